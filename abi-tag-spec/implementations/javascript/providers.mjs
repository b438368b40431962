// Section 18: requirements by rows, places, and what the loader does with rows.

import { compare, Rejected } from './tag.mjs';

function history(table, symbol) { // K-3, K-4: when it came last, and when it went for good
  let added = null;
  let removed = null;
  for (const release of Object.keys(table.releases).sort(compare)) {
    if (table.releases[release].removed?.includes(symbol)) removed = release;
    if (table.releases[release].added?.includes(symbol)) [added, removed] = [release, null];
  }
  return { added, removed };
}

function requirement(row, table, symbols) {
  let minimum = row.first;
  let below = row.below ?? null;
  for (const symbol of symbols) {
    const { added, removed } = table ? history(table, symbol) : { added: null, removed: null };
    if (table?.complete && added === null && removed === null) throw new Rejected('K-6');
    if (added !== null && compare(added, minimum) > 0) minimum = added;
    if (removed !== null && (below === null || compare(removed, below) < 0)) below = removed;
  }
  if (below !== null && compare(minimum, below) >= 0) throw new Rejected('K-6');
  if (row.policy === 'line') below = null;
  return { distribution: row.distribution, minimum, below, line: row.line ?? null };
}

function areWellFormed(rows) { // K-1, and what forms.json cannot say
  const sonames = rows.flatMap((row) => row.sonames);
  return new Set(sonames).size === sonames.length && rows.every((row) =>
    ['symbols', 'versions', 'line'].includes(row.policy) && (row.line !== undefined) === (row.policy === 'line'));
}

// rows: documents of providers/; table: SONAME -> document of symbols/, or undefined.
export function requirements({ needs, rows: given, tables }, data) {
  const rows = (given ?? data.providers).flatMap(({ libraries }) => libraries);
  if (given && !areWellFormed(rows)) throw new Rejected('C-5');
  const table = given ? (soname) => (Object.hasOwn(tables ?? {}, soname) ? tables[soname] : undefined) : data.library;
  const found = new Map();
  for (const [soname, symbols] of Object.entries(needs)) {
    const row = rows.find(({ sonames }) => sonames.includes(soname));
    if (!row) continue;
    const answer = requirement(row, table(soname), symbols);
    found.set(JSON.stringify(answer), answer);
  }
  const key = ({ distribution, minimum, below, line }) => [distribution, minimum, below ?? '', line ?? ''];
  const before = (a, b) => a.map((text, i) => (text < b[i] ? -1 : Number(text > b[i]))).find(Boolean) ?? 0;
  return { requirements: [...found.values()].sort((a, b) => before(key(a), key(b))) };
}

export function places({ place, sys_path: path, own, prefix, installed }) { // K-12
  const [kind, tail] = [place.slice(0, place.indexOf(':')), place.slice(place.indexOf(':') + 1)];
  const found = [];
  for (const root of [...path, own].filter((each) => each.startsWith('/'))) {
    const up = root.split('/').slice(0, -3).join('/');
    if (kind === 'data' && /\/(site|dist)-packages$/.test(root)) found.push(`${up}/${tail}`);
    if (kind === 'site' || installed.includes(root)) found.push(`${root}/${tail}`);
  }
  if (kind === 'data') found.push(`${prefix}/${tail}`);
  return { paths: [...new Set(found)] };
}

export function load({ rows, resident, placed }) { // K-8 to K-11
  const has = (functions, row) => (row.proof ?? []).every((name) => functions.includes(name));
  const steps = [];
  const absent = [];
  if (new Set(rows.map(({ soname }) => soname)).size < rows.length
    || rows.some(({ scope = 'local' }) => !['local', 'global'].includes(scope))) throw new Rejected('C-5');
  for (const row of rows) {
    if (!Object.hasOwn(resident, row.soname)) absent.push(row);
    else if (!has(resident[row.soname], row)) throw new Rejected('K-11');
    else steps.push({ soname: row.soname, action: row.scope === 'global' ? 'promote' : 'keep' });
  }
  if (absent.some(({ soname }) => !Object.hasOwn(placed, soname))) throw new Rejected('K-10');
  while (absent.length) {
    const { soname, group, scope = 'local' } = absent[0];
    const now = rows.filter((row) => row.soname === soname || (group && row.group === group));
    for (const row of now.filter((each) => absent.includes(each))) {
      if (!has(placed[row.soname], row)) throw new Rejected('K-11');
      absent.splice(absent.indexOf(row), 1);
    }
    steps.push({ sonames: now.map((row) => row.soname).sort(), action: 'load', scope });
  }
  return { steps };
}
