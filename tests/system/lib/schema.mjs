// tests/system/lib/schema.mjs: the part of JSON Schema that server/gateway/openapi.yaml uses; strict, so that a field nobody
// described is found.

const KNOWN = new Set(['$ref', 'type', 'enum', 'required', 'properties', 'items', 'description', 'pattern']);

function typeOf(value) {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function typeFits(wanted, value) {
  const is = typeOf(value);
  return [wanted].flat().some((one) => one === is || (one === 'number' && is === 'integer'));
}

/** @returns {string[]} where `value` is not as `schema` of the document `root` says */
export function schemaFaults(root, schema, value, path = '$') {
  if (schema.$ref) return schemaFaults(root, schema.$ref.slice(2).split('/').reduce((at, key) => at[key], root), value, path);
  const unknown = Object.keys(schema).filter((k) => !KNOWN.has(k));
  if (unknown.length) return [`${path}: the checker does not know ${unknown}`];
  if (schema.type && !typeFits(schema.type, value)) return [`${path}: ${typeOf(value)} in place of ${schema.type}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${path}: ${JSON.stringify(value)} is none of ${schema.enum}`];
  if (schema.pattern && !new RegExp(schema.pattern).test(value)) return [`${path}: ${value} does not match`];
  const faults = [];
  if (Array.isArray(value) && schema.items) value.forEach((v, i) => faults.push(...schemaFaults(root, schema.items, v, `${path}[${i}]`)));
  if (typeOf(value) === 'object') {
    for (const key of schema.required ?? []) if (!(key in value)) faults.push(`${path}.${key} is missing`);
    for (const [key, v] of Object.entries(value)) {
      const described = schema.properties?.[key];
      if (described) faults.push(...schemaFaults(root, described, v, `${path}.${key}`));
      else if (schema.properties) faults.push(`${path}.${key} is not described`);
    }
  }
  return faults;
}
