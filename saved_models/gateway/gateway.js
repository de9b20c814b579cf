// Let a request pass only if it cannot fail or block those of other clients: each input must be a
// list of 1 to 64 texts. The server gets the request as it was read here, not the client's bytes.

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

function isNamed(value, isInput) {
  return isObject(value) && Object.keys(value).length >= 1 && Object.values(value).every(isInput);
}

function checked(body) {
  const request = JSON.parse(body);
  const inputs = request.inputs;
  const instances = request.instances;
  const isColumn = (value) => isBatch(value, isText);
  const isRow = (value) => isNamed(value, isText);
  const byColumn = instances === undefined && (isColumn(inputs) || isNamed(inputs, isColumn));
  const byRow = inputs === undefined && (isColumn(instances) || isBatch(instances, isRow));
  if (!byColumn && !byRow) {
    throw new Error(`pass "inputs" or "instances", with 1 to ${MAX_BATCH_SIZE} texts for each input`);
  }
  return JSON.stringify({ signature_name: request.signature_name, inputs: inputs, instances: instances });
}

function predict(r) {
  try {
    r.variables.checked = checked(r.requestText);
  } catch (error) {
    r.headersOut["Content-Type"] = "application/json";
    r.return(400, JSON.stringify({ error: `Refused by the gateway: ${error.message}` }));
    return;
  }
  r.internalRedirect("@checked");
}

export default { predict };
