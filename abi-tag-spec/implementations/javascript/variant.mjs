// Section 12: a tagged wheel's name as a variant wheel's, and back.

import { checkWheel, formatRuntime, isBase, joinName, parse, parseRuntime, Rejected, splitName } from './tag.mjs';

export function propertiesOf({ epoch, cuda }) { // M-2
  const abi = `cxxrt :: abi :: ${epoch}`;
  return cuda === null ? [abi] : [abi, `nvidia :: cuda_version_lower_bound :: ${cuda}.0`];
}

export function toVariant(filename, epochs) { // M-1, M-6
  if (checkWheel({ filename }, epochs).runtime_abi === null) throw new Rejected('M-6');
  const fields = splitName(filename);
  const parsed = fields.abi.split('.').map(parse);
  const label = formatRuntime(parsed[0]);
  const abi = parsed.map(({ base }) => base).join('.');
  return { filename: joinName({ ...fields, abi, label }), label, properties: propertiesOf(parsed[0]).sort() };
}

export function fromVariant(filename, properties, epochs) { // M-3, M-4
  const fields = splitName(filename);
  const runtime = fields.label === null ? null : parseRuntime(fields.label);
  if (!runtime) throw new Rejected('M-4');
  if (JSON.stringify([...properties].sort()) !== JSON.stringify(propertiesOf(runtime).sort())) throw new Rejected('M-4');
  const bases = fields.abi.split('.');
  if (!bases.every(isBase)) throw new Rejected('M-4');
  const abi = bases.map((base) => `${fields.label}_${base}`).join('.');
  const tagged = joinName({ ...fields, abi, label: null });
  checkWheel({ filename: tagged }, epochs);
  return { filename: tagged };
}
