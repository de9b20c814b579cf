// Let only such requests pass as cannot fail or block those of other clients: every input is a list
// of 1 to 64 texts. The server gets the request as it was understood here, not the client's bytes.

const MAX_BATCH_SIZE = 64; // as in batching.config

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value) {
  return typeof value === "string" || (isObject(value) && Object.keys(value).length === 1 && typeof value.b64 === "string");
}

function isBatch(value, isRow) {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MAX_BATCH_SIZE &&
    value.every(isRow)
  );
}

function isInput(value) {
  return isBatch(value, isText);
}

function areTexts(row) {
  return isObject(row) && Object.keys(row).every((name) => isText(row[name]));
}

function areInputs(value) {
  return isObject(value) && Object.keys(value).every((name) => isInput(value[name]));
}

function checked(body) {
  const request = JSON.parse(body);
  const inputs = request.inputs;
  if (isInput(inputs) || areInputs(inputs)) {
    return { signature_name: request.signature_name, inputs: inputs };
  }
  const instances = request.instances;
  if (isBatch(instances, isText) || isBatch(instances, areTexts)) {
    return { signature_name: request.signature_name, instances: instances };
  }
  throw new Error(`each input must be a list of 1 to ${MAX_BATCH_SIZE} texts`);
}

async function predict(r) {
  r.headersOut["Content-Type"] = "application/json";
  let request;
  try {
    request = checked(r.requestText);
  } catch (error) {
    r.return(400, JSON.stringify({ error: `Refused by the gateway: ${error.message}` }));
    return;
  }
  const answer = await r.subrequest("/checked", { method: "POST", body: JSON.stringify(request) });
  r.return(answer.status, answer.responseText);
}

export default { predict };
