"use strict";
// Shows an answer: the source words, and what each search found for them. It comes from the file
// recorded.js, or from a server. An answer is
//   { source: [word], reference, searches: [{ label, hypotheses, steps, width }] }
// with a hypothesis { text, tokens, logP, score, weights: [token][source word] }, best first; `score`
// and `weights` may be missing. `steps` are the candidates of each step of the beam search, if they
// are known: [parent, token, logP, fate], where `parent` is a place among those that were followed.
const [CUT, FOLLOWED, ENDED] = [0, 1, 2];
const END = "<eos>";

const at = id => document.getElementById(id);
const query = new URLSearchParams(location.search);
const chosen = { answer: null, search: 0, hypothesis: 0 };
let language = Object.hasOwn(TEXTS, query.get("lang")) ? query.get("lang")
  : navigator.language.startsWith("zh") ? "zh" : "en";
let shownOrigin = ["isRecorded", {}]; // where the results come from: a text and its values

function say(name, values = {}) {
  return TEXTS[language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

function add(parent, tag, text = "", attributes = {}) {
  const made = parent.namespaceURI.endsWith("svg")
    ? document.createElementNS(parent.namespaceURI, tag) : document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return parent.appendChild(made);
}

const number = value => value.toFixed(2);
const percent = value => (value < 0.005 ? "<1" : Math.round(100 * value).toString());
const isLive = () => document.querySelector("[name=mode]:checked").value === "live";

// --- Answers --------------------------------------------------------------------------------------

function labelOf(settings, prefix) {
  const { beam_width: width, length_penalty: alpha, ...others } = settings;
  const parts = [width === 1 ? say("greedy") : say("beam", { width })];
  if (alpha === "average") parts.push(say("average"));
  else if (alpha !== undefined) parts.push(say("length_penalty", { value: alpha }));
  for (const [name, value] of Object.entries(others))
    parts.push(name === "prefix" ? say("begins", { prefix }) : say(name, { value }));
  return parts.join(say("comma"));
}

function recordedAnswer(example) {
  const hypothesis = ({ text, tokens, log_p, weights }, score) => ({
    text,
    tokens: tokens.map(token => example.tokens[token]),
    logP: log_p / 100,
    score: score / 100,
    weights: weights.map(row => example.weights[row].map(weight => weight / 1000)),
  });
  const searches = example.results.map(({ best, scores, tree }, k) => ({
    label: () => labelOf(RECORDED.searches[k], example.prefix),
    width: RECORDED.searches[k].beam_width,
    hypotheses: best.map((n, rank) => hypothesis(example.translations[n], scores[rank])),
    steps: example.trees[tree].map(row => row.map(([parent, token, logP, fate]) =>
      [parent, example.tokens[token], logP / 100, fate])),
  }));
  return { source: example.source, reference: example.reference, searches };
}

async function ask(signature, inputs, signal) {
  const server = at("server").value.replace(/\/$/, "");
  const response = await fetch(`${server}/v1/models/${encodeURIComponent(at("model").value)}:predict`, {
    method: "POST",
    body: JSON.stringify({ signature_name: signature, inputs }),
    signal,
  }).catch(error => {
    if (error.name === "AbortError") throw error;
    throw new Error(say("noAnswer", { server }));
  });
  // The error page of a proxy, for example, is not JSON.
  const answer = await response.json().catch(error => {
    if (error.name === "AbortError") throw error;
  });
  if (answer?.error) throw new Error(answer.error);
  if (!response.ok) throw new Error(say("badAnswer", { server, problem: `HTTP ${response.status}` }));
  // The first row of each output belongs to the only sentence.
  return Object.fromEntries(Object.entries(answer.outputs).map(([name, rows]) => [name, rows[0]]));
}

async function liveAnswer(signal) {
  const [text, prefix] = [at("text").value, at("prefix").value];
  // Without a prefix, a model that was exported before there were prefixes can answer too.
  const inputs = prefix.trim() ? { text: [text], prefix: [prefix] } : { text: [text] };
  const complete = prefix.trim() ? "complete_" : "";
  const [greedy, beam] = await Promise.all(
    ["details", "beam_details"].map(name => ask(complete + name, inputs, signal)));
  const hypothesis = (text, logP, tokens, length, alignment) => ({
    text, logP, tokens: tokens.slice(0, length), weights: alignment?.slice(0, length),
  });
  const all = beam.translations.map((translation, k) => hypothesis(
    translation, beam.scores[k], beam.target_tokens[k], beam.target_lengths[k], beam.alignments?.[k]));
  // If fewer were found, the others have the lowest number as their score.
  const hypotheses = all.filter(({ logP }) => logP > -3e38);
  const searches = [
    {
      label: () => say("greedy"),
      hypotheses: [hypothesis(greedy.translation, greedy.score, greedy.target_tokens,
        greedy.target_length, greedy.alignment)],
    },
    ...(hypotheses.length ? [{ label: () => say("exported"), hypotheses }] : []),
  ];
  return { source: greedy.source_tokens.slice(0, greedy.source_length), searches };
}

// --- Words and weights ----------------------------------------------------------------------------

const hypothesis = () => chosen.answer.searches[chosen.search].hypotheses[chosen.hypothesis];

// Highlight source word i, token j of the translation, or the weight of both; nothing without them.
function point(i, j) {
  const { tokens, weights } = hypothesis();
  if (!weights) return;
  const { source } = chosen.answer;
  const show = (element, weight) => {
    const isShown = weight !== undefined;
    element.classList.toggle("weight", isShown);
    element.classList.toggle("strong", isShown && weight > 0.6);
    element.style.setProperty("--weight", weight ?? 0);
    element.lastChild.textContent = isShown && weight >= 0.005 ? percent(weight) : "";
  };
  const hasOne = i !== undefined || j !== undefined;
  [...at("source").children].forEach((element, place) => {
    element.classList.toggle("on", place === i);
    show(element, j !== undefined && (i === undefined || place === i) ? weights[j][place] : undefined);
  });
  [...at("target").children].forEach((element, place) => {
    element.classList.toggle("on", place === j);
    show(element, i !== undefined && j === undefined ? weights[place][i] : undefined);
  });
  for (const element of at("alignment").querySelectorAll("[data-i], [data-j]")) {
    const { i: column, j: row } = element.dataset;
    const isOn = (row === undefined || +row === (j ?? +row)) &&
      (column === undefined || +column === (i ?? +column));
    // A heading of the other side is highlighted only if it was pointed at itself.
    const isOther = element.tagName === "TH" && (row === undefined ? i : j) === undefined;
    element.classList.toggle("on", hasOne && isOn && !isOther);
  }
  at("said").textContent = "";
  if (!hasOne) return;
  const words = (j === undefined
    ? tokens.map((token, place) => [token, weights[place][i]])
    : source.map((word, place) => [word, weights[j][place]]).filter((_, place) => place === (i ?? place))
  ).filter(([, weight]) => weight >= 0.01 || (i !== undefined && j !== undefined))
    .sort((one, other) => other[1] - one[1])
    .map(([word, weight]) => `${word} ${percent(weight)} %`).join(say("comma"));
  at("said").textContent = say(j === undefined ? "isSeen" : "looks",
    { word: j === undefined ? source[i] : tokens[j], words: words || say("nobody") });
}

// Highlight what has the focus, when the mouse has left.
function rest() {
  const { i, j } = document.activeElement?.dataset ?? {};
  point(i && +i, j && +j);
}

function onPointing(element, i, j) {
  element.onmouseenter = element.onfocus = element.onclick = () => point(i, j);
  element.onmouseleave = element.onblur = () => rest();
}

function drawWords() {
  const { tokens, weights } = hypothesis();
  for (const [id, words] of [["source", chosen.answer.source], ["target", tokens]]) {
    at(id).replaceChildren();
    words.forEach((word, place) => {
      const button = add(at(id), "button", "", { type: "button", class: "word" });
      add(button, "span", word);
      add(button, "small");
      button.dataset[id === "source" ? "i" : "j"] = place;
      onPointing(button, ...(id === "source" ? [place] : [undefined, place]));
    });
  }
  at("said").textContent = weights ? "" : say("noAttention");
}

function drawAlignment() {
  const table = at("alignment");
  const { tokens, weights } = hypothesis();
  table.replaceChildren();
  at("weights").hidden = !weights;
  if (!weights) return;
  const head = table.createTHead().insertRow();
  head.insertCell().style.border = "none";
  chosen.answer.source.forEach((word, i) => add(head, "th", word, { scope: "col", "data-i": i }));
  const body = table.createTBody();
  tokens.forEach((token, j) => {
    const row = body.insertRow();
    add(row, "th", token, { scope: "row", "data-j": j });
    chosen.answer.source.forEach((word, i) => {
      const weight = weights[j][i];
      const square = add(row, "td", weight >= 0.005 ? percent(weight) : "", { "data-i": i, "data-j": j });
      square.classList.add("weight");
      square.classList.toggle("strong", weight > 0.6);
      square.style.setProperty("--weight", weight);
      square.title = `${token} ← ${word}: ${weight.toFixed(3)}`;
    });
  });
  for (const element of table.querySelectorAll("[data-i], [data-j]")) {
    const { i, j } = element.dataset;
    onPointing(element, i && +i, j && +j);
  }
}

// --- Options --------------------------------------------------------------------------------------

// Return the characters of `text`, each with whether it is missing in a longest common subsequence
// with `other`, and an empty one wherever characters of `other` are missing.
function changes(text, other) {
  const [a, b] = [[...text], [...other]];
  const length = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      length[i][j] = a[i] === b[j]
        ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
  const found = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push([a[i++], false]);
      j++;
    } else if (i < a.length && (j === b.length || length[i + 1][j] >= length[i][j + 1])) {
      found.push([a[i++], true]);
    } else {
      j++;
      if (!found.at(-1)?.[1]) found.push(["", true]);
    }
  }
  return found.filter(([character], k) => character || !found[k + 1]?.[1]);
}

function drawOptions() {
  const table = at("options");
  const { searches } = chosen.answer;
  const hasScores = searches[0].hypotheses[0].score !== undefined;
  table.replaceChildren();
  const head = table.createTHead().insertRow();
  for (const name of ["option", "translation"]) add(head, "th", say(name), { scope: "col" });
  const names = ["log P", ...(hasScores ? ["score"] : []), "tokens"];
  const nameOf = name => (name === "log P" ? name : say(name));
  for (const name of names) add(head, "th", nameOf(name), { scope: "col", class: "number" });
  const body = table.createTBody();
  searches.forEach((search, k) => {
    const [best] = search.hypotheses;
    const row = body.insertRow();
    row.classList.toggle("chosen", k === chosen.search);
    const label = add(add(row, "th", "", { scope: "row" }), "label");
    const radio = add(label, "input", "", { type: "radio", name: "search", value: k });
    radio.checked = k === chosen.search;
    radio.onchange = () => choose(k, 0);
    add(label, "span", search.label());
    const text = add(row, "td", "", { lang: "zh" });
    for (const [character, isChanged] of changes(best.text, searches[0].hypotheses[0].text))
      isChanged ? add(text, "mark", character, { class: character ? "" : "gap" }) : text.append(character);
    const numbers = { "log P": number(best.logP), tokens: best.tokens.length };
    if (hasScores) numbers.score = number(best.score);
    for (const name of names)
      add(row, "td", numbers[name], { class: "number", "data-name": nameOf(name) });
  });
}

// --- The tree -------------------------------------------------------------------------------------

function treeOf({ steps, hypotheses }) {
  const node = (parent, token, logP, fate) => {
    const made = { parent, token, logP, fate, children: [], depth: parent ? parent.depth + 1 : 0 };
    parent?.children.push(made);
    return made;
  };
  const root = node(null, "", 0, FOLLOWED);
  let followed = [root];
  for (const row of steps ?? []) {
    const nodes = row.map(([parent, ...others]) => node(followed[parent], ...others));
    followed = nodes.filter(({ fate }) => fate === FOLLOWED);
  }
  if (steps) followed.forEach(each => { each.isStopped = true; });
  hypotheses.forEach(({ tokens }, rank) => {
    let place = root;
    for (const token of tokens)
      place = place.children.find(child => child.token === token)
        ?? node(place, token, undefined, FOLLOWED);
    place.rank = rank;
    for (let each = place; each; each = each.parent) each.best = Math.min(each.best ?? rank, rank);
  });
  return root;
}

const textOf = node => (node.parent ? textOf(node.parent) + (node.token === END ? "" : node.token) : "");

function fateOf(node, search) {
  const known = node.best !== undefined;
  if (node.rank !== undefined) return say("fateEnded", { rank: node.rank + 1 });
  if (node.fate === ENDED) return say("fateWorse", { count: search.hypotheses.length });
  if (node.fate === CUT) return say("fateCut");
  if (known) return say("fateFollowed");
  if (node.isStopped) return say("fateStopped");
  return say(node.children.some(({ fate }) => fate === FOLLOWED) ? "fateLost" : "fateOut");
}

function describe(node, search) {
  if (!node.parent) return say("nodeRoot");
  const text = textOf(node) + (node.token === END ? END : "");
  const parts = [node.logP === undefined ? say("nodeLive", { text }) : say("node", {
    text, logP: number(node.logP), percent: `${percent(Math.exp(node.logP - node.parent.logP))} %`,
  })];
  if (search.steps || node.rank !== undefined) parts.push(fateOf(node, search));
  return parts.join(say("semicolon"));
}

function describeNext(node) {
  const next = node.children.filter(({ logP }) => logP !== undefined);
  if (!next.length) return "";
  const words = next.sort((one, other) => other.logP - one.logP)
    .map(({ token, logP }) => `${token} ${percent(Math.exp(logP - node.logP))} %`).join(say("comma"));
  return say("next", { words });
}

const widthOf = text => [...text].reduce((sum, c) => sum + (c.codePointAt(0) > 0x2e7f ? 15 : 8.5), 0);

function drawTree() {
  const search = chosen.answer.searches[chosen.search];
  const root = treeOf(search);
  const isShown = node => node.fate !== CUT || at("all").checked;
  const nodes = [];
  let rows = 0;
  // The first child continues in its parent's row; each other one opens a new row below.
  const place = node => {
    nodes.push(node);
    node.row = rows;
    node.shown = node.children.filter(isShown).sort((one, other) =>
      (one.best ?? Infinity) - (other.best ?? Infinity) || other.logP - one.logP);
    node.shown.forEach((child, k) => {
      if (k > 0) rows++;
      place(child);
    });
  };
  place(root);

  const label = node => (node.parent ? (node.token === END ? "■" : node.token) : say("start"));
  const columns = [];
  for (const node of nodes)
    columns[node.depth] = Math.max(columns[node.depth] ?? 0, widthOf(label(node)) + 12, 27);
  const left = columns.map((_, depth) => columns.slice(0, depth).reduce((a, b) => a + b + 14, 2));
  const endOf = node => {
    if (node.shown.length) return "";
    if (node.rank !== undefined) {
      const { logP, score } = search.hypotheses[node.rank];
      return score === undefined ? say("oneNumber", { logP: number(logP) })
        : say("bothNumbers", { logP: number(logP), score: number(score) });
    }
    if (node.fate === CUT) return number(node.logP);
    return `${node.isStopped ? "…" : node.fate === ENDED ? "" : "✕"} ${number(node.logP)}`.trim();
  };
  const height = 30;
  const y = node => 16 + height * node.row;
  const width = Math.max(...nodes.map(node =>
    left[node.depth] + columns[node.depth] + 12 + widthOf(endOf(node)) * 0.85));

  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  at("tree").replaceChildren(svg);
  for (const [name, value] of Object.entries({
    width, height: height * (rows + 1) + 4, role: "tree", "aria-labelledby": "grown",
  })) svg.setAttribute(name, value);
  const path = new Set();
  for (let node = nodes.find(({ rank }) => rank === chosen.hypothesis); node; node = node.parent)
    path.add(node);
  for (const node of nodes) {
    const x = left[node.depth];
    const group = node.element = add(svg, "g", "", {
      role: "treeitem", tabindex: node === root ? 0 : -1, "aria-level": node.depth + 1,
      "aria-label": describe(node, search), "aria-selected": path.has(node),
    });
    group.classList.toggle("lost", node !== root && node.best === undefined);
    group.classList.toggle("cut", node.fate === CUT);
    group.classList.toggle("chosen", path.has(node));
    if (node.parent) {
      const from = left[node.depth - 1] + columns[node.depth - 1];
      add(group, "path", "", {
        d: node.row === node.parent.row ? `M${from} ${y(node)}H${x}`
          : `M${from} ${y(node.parent)}h7V${y(node)}H${x}`,
      });
    }
    add(group, "rect", "", { x, y: y(node) - 13, width: columns[node.depth], height: 26, rx: 5 });
    add(group, "text", label(node), {
      class: "token", x: x + columns[node.depth] / 2, y: y(node) + 5, "text-anchor": "middle", lang: "zh",
    });
    add(group, "text", endOf(node), { class: "end", x: x + columns[node.depth] + 7, y: y(node) + 4 });
    group.onmouseenter = group.onfocus = () => {
      at("node").textContent = [describe(node, search), describeNext(node)].filter(Boolean).join(say("stop"));
    };
    group.onclick = () => {
      group.focus();
      if (node.rank !== undefined && node.rank !== chosen.hypothesis) {
        choose(chosen.search, node.rank);
        at("tree").querySelectorAll("[role=treeitem]")[nodes.indexOf(node)].focus();
      }
    };
    group.onkeydown = event => {
      const [up, down] = [-1, 1].map(step => nodes
        .filter(each => each.depth === node.depth && (each.row - node.row) * step > 0)
        .sort((one, other) => (one.row - other.row) * step)[0]);
      const next = { ArrowLeft: node.parent, ArrowRight: node.shown[0], ArrowUp: up, ArrowDown: down };
      if (event.key === "Enter" || event.key === " ") group.onclick();
      else if (event.key in next) {
        next[event.key]?.element.focus();
        group.setAttribute("tabindex", next[event.key] ? -1 : 0);
        next[event.key]?.element.setAttribute("tabindex", 0);
      } else return;
      event.preventDefault();
    };
  }
  at("node").textContent = "";
}

// --- The page -------------------------------------------------------------------------------------

function choose(search, rank) {
  Object.assign(chosen, { search, hypothesis: rank });
  const { text, logP, score } = hypothesis();
  at("translation").textContent = text;
  at("score").textContent = `${chosen.answer.searches[search].label()}: ` + (score === undefined
    ? say("oneNumber", { logP: logP.toFixed(3) })
    : say("bothNumbers", { logP: number(logP), score: number(score) }));
  drawWords();
  drawAlignment();
  const hadFocus = document.activeElement?.name === "search";
  drawOptions();
  if (hadFocus) at("options").querySelector(":checked").focus();
  drawTree();
}

function showAnswer(answer, search) {
  chosen.answer = answer;
  const { reference, searches } = answer;
  at("reference").textContent = reference ? say("reference", { text: reference }) : "";
  at("howToCompare").textContent = say(searches[0].steps ? "howToCompare" : "howToCompareLive");
  at("howToGrow").textContent = say(searches[0].steps ? "howToGrow" : "howToGrowLive");
  at("cut").hidden = !searches[0].steps;
  at("found").hidden = false;
  choose(Math.min(search, searches.length - 1), 0);
}

function setOrigin(name, values) {
  shownOrigin = [name, values];
  at("origin").textContent = say(name, values);
  at("origin").classList.toggle("live", isLive());
}

function showRecorded() {
  setOrigin("isRecorded", RECORDED.model);
  at("error").textContent = "";
  showAnswer(recordedAnswer(RECORDED.examples[at("example").value]), chosen.search);
}

let asking = new AbortController();
async function showLive() {
  asking.abort(); // only the answer to the last sentence matters
  asking = new AbortController();
  const { signal } = asking;
  const values = { server: at("server").value.replace(/\/$/, ""), model: at("model").value };
  at("error").textContent = "";
  at("found").hidden = true;
  setOrigin("asking", values);
  try {
    const answer = await liveAnswer(signal);
    setOrigin("isLive", values);
    showAnswer(answer, 0);
  } catch (error) {
    if (signal.aborted) return;
    setOrigin("noAnswerYet", values);
    at("found").hidden = true; // it may be incomplete
    // The outputs of another kind of model lack what is read here.
    at("error").textContent = error instanceof TypeError
      ? say("badAnswer", { server: values.server, problem: error.message }) : error.message;
  }
}

function showMode() {
  asking.abort();
  clearTimeout(pause);
  for (const element of document.querySelectorAll("[data-mode]"))
    element.hidden = (element.dataset.mode === "live") !== isLive();
  at("found").hidden = true;
  at("error").textContent = "";
  chosen.search = 0;
  if (!isLive()) showRecorded();
  else {
    at("text").value ||= RECORDED.examples[at("example").value].text;
    setOrigin("noAnswerYet", { server: at("server").value, model: at("model").value });
  }
}

function showTexts() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = say("title");
  at("language").textContent = say("other");
  for (const element of document.querySelectorAll("[data-text]"))
    element.textContent = say(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", say(element.dataset.label));
  at("prefix").placeholder = say("prefix");
  at("origin").textContent = say(...shownOrigin);
  const { answer, search, hypothesis: rank } = chosen;
  if (answer) {
    showAnswer(answer, search);
    choose(search, rank);
  }
}

RECORDED.examples.forEach(({ text }, place) => add(at("example"), "option", text, { value: place }));
at("language").onclick = () => {
  language = language === "en" ? "zh" : "en";
  showTexts();
};
at("example").onchange = showRecorded;
at("all").onchange = drawTree;
for (const radio of document.querySelectorAll("[name=mode]")) radio.onchange = showMode;
at("choice").onsubmit = event => {
  event.preventDefault();
  if (isLive()) showLive();
};
// The rest is translated again while the beginning is typed, but not with each letter of a syllable
// that an input method composes.
let pause;
at("prefix").oninput = event => {
  clearTimeout(pause);
  if (!event.isComposing) pause = setTimeout(showLive, 200);
};
at("prefix").oncompositionend = at("prefix").oninput;

// ?server=...&model=...&text=...&prefix=... asks a server; ?example=3&search=2 chooses what to show.
for (const [name, value] of query) {
  if (["server", "model", "text", "prefix"].includes(name)) at(name).value = value;
  if (name === "example" && +value in RECORDED.examples) at(name).value = +value;
  if (["server", "model", "text", "prefix"].includes(name))
    document.querySelector("[value=live]").checked = true;
}
showTexts();
showMode();
if (isLive() && query.has("text")) showLive();
else if (!isLive() && +query.get("search") in RECORDED.searches) choose(+query.get("search"), 0);
