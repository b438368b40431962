// Section 10: from needed symbols to the bounds of the requirement.

import { compare, Rejected } from './tag.mjs';

const newest = (versions) => versions.reduce((a, b) => (compare(a, b) < 0 ? b : a));
const short = (version) => version.replace(/^(\d+\.\d+)\.0$/, '$1'); // V-5

function versionBound(release, epoch, releases) { // V-2, V-2a
  const major = release.split('.')[0];
  const published = releases.filter(({ version, gcc }) =>
    version.split('.')[0] === String(epoch) && gcc.split('.')[0] === major);
  const first = published[0];
  if (!first || compare(first.gcc, release) >= 0) return `${epoch}.${major}`;
  const later = published.find(({ gcc }) => compare(gcc, release) >= 0);
  return later ? later.version : `${epoch}.${BigInt(major) + 1n}`;
}

function cudartBound(table, symbol, epoch, releases) { // V-4
  const added = Object.keys(table.releases).sort(compare);
  const since = symbol === null ? added[0] : added.find((release) => table.releases[release].includes(symbol));
  const carrying = since && releases.find(({ version, cudart }) => version.split('.')[0] === String(epoch)
    && Object.hasOwn(cudart, table.major) && compare(cudart[table.major], since) >= 0);
  if (!carrying) throw new Rejected('V-6');
  return carrying.version;
}

// gcc: symbols/gcc-runtime.json; cudart: major -> symbols/cudart<major>.json; releases: ascending.
export function bounds({ epoch, needs, cudart, architecture, releases: published }, tables) {
  const releases = [...published ?? tables.releases].sort((a, b) => compare(a.version, b.version));
  const found = [`${epoch}.0`]; // V-8
  for (const [soname, nodes] of Object.entries(needs)) {
    if (!Object.hasOwn(tables.gcc, soname)) continue; // V-7
    const known = tables.gcc[soname];
    for (const node of nodes) {
      if (!Object.hasOwn(known, node)) throw new Rejected('V-6');
      const only = Object.hasOwn(tables.only, soname) ? tables.only[soname] : {}; // V-9
      if (architecture !== undefined && Object.hasOwn(only, node) && !only[node].includes(architecture)) throw new Rejected('V-6');
      found.push(versionBound(known[node], epoch, releases));
    }
  }
  for (const [major, symbols] of Object.entries(cudart ?? {})) {
    if (!Object.hasOwn(tables.cudart, major)) throw new Rejected('V-6');
    for (const symbol of [null, ...symbols]) found.push(cudartBound(tables.cudart[major], symbol, epoch, releases));
  }
  return { minimum: short(newest(found)), below: String(epoch + 1n) };
}
