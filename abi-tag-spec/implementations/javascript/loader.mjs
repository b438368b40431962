// Section 9: what the loader does, given what it finds and what it is asked for.

import { compare, Rejected } from './tag.mjs';

const STDCXX = 'libstdc++.so.6';
const GCC_S = 'libgcc_s.so.1';
const GOMP = 'libgomp.so.1';
const CXX_ORIGINS = ['own', 'conda', 'library-path', 'system']; // L-5: equals go to the first
const CUDART_ORIGINS = ['nvidia', 'conda', 'own', 'system']; // L-9

const ORIGINS = new Set([...CXX_ORIGINS, ...CUDART_ORIGINS, 'torch']);
const REPEATED = ['conda', 'library-path'];

// A required CUDA major alone is met by every release; an unknown version (null) meets nothing else.
const olderThan = (version, required) => required !== undefined && required.includes('.')
  && (version === null || compare(version, required) < 0);

function isWellFormed({ resident, candidates }, { glibcxx = '3.4.0', cudart = '12' }) {
  const known = [...candidates.map(({ soname, version }) => [soname, version]),
    ...Object.entries(resident).filter(([, version]) => version !== null)];
  const once = candidates.filter(({ origin }) => !REPEATED.includes(origin))
    .map(({ soname, origin }) => JSON.stringify([soname, origin]));
  return resident[STDCXX] !== null && known.every(([soname, version]) => {
    if (soname === STDCXX) return /^3\.4\.[0-9]+$/.test(version);
    if (!soname.startsWith('libcudart.so.')) return true;
    return version.split('.').slice(0, -1).join() === soname.slice('libcudart.so.'.length);
  }) && new Set(once).size === once.length && candidates.every(({ origin }) => ORIGINS.has(origin))
    && /^3\.4\.[0-9]+$/.test(glibcxx) && cudart.split('.').length <= 2;
}

const by = (origins) => (a, b) => origins.indexOf(a.origin) - origins.indexOf(b.origin);
const candidatesFor = (soname, candidates, origins) => candidates
  .filter((each) => each.soname === soname && origins.includes(each.origin)).sort(by(origins));

function cxx({ resident, candidates }) { // L-2, L-5, L-6
  if (Object.hasOwn(resident, STDCXX)) return { version: resident[STDCXX], steps: [{ soname: STDCXX, action: 'promote' }] };
  const all = candidatesFor(STDCXX, candidates, CXX_ORIGINS);
  if (!all.some(({ origin }) => origin === 'own')) throw new Rejected('L-5');
  const best = all.sort((a, b) => compare(b.version, a.version))[0]; // a stable sort: L-5's order
  const steps = [{ soname: STDCXX, action: 'load', origin: best.origin }];
  if (best.origin === 'own' && !Object.hasOwn(resident, GCC_S)) steps.unshift({ soname: GCC_S, action: 'load', origin: 'own' });
  return { version: best.version, steps };
}

function gomp({ resident, candidates }) { // L-6a
  if (Object.hasOwn(resident, GOMP)) return [];
  const [newest] = candidatesFor(GOMP, candidates, ['own', 'torch']).sort((a, b) => compare(b.version, a.version));
  const chosen = newest ?? candidatesFor(GOMP, candidates, ['system'])[0];
  if (!chosen) throw new Rejected('L-6a');
  return [{ soname: GOMP, action: 'load', origin: chosen.origin }];
}

function cudart({ resident, candidates }, required) { // L-8 to L-11
  const soname = `libcudart.so.${required.split('.')[0]}`;
  if (Object.hasOwn(resident, soname)) {
    if (olderThan(resident[soname], required)) throw new Rejected('L-8');
    return [{ soname, action: 'promote' }];
  }
  const ours = candidatesFor(soname, candidates, CUDART_ORIGINS);
  const own = ours.find(({ origin }) => origin === 'own');
  const chosen = ours.find(({ origin, version }) =>
    !(['nvidia', 'conda'].includes(origin) && olderThan(version, required) && own && !olderThan(own.version, required)));
  if (!chosen || olderThan(chosen.version, required)) throw new Rejected('L-9a');
  return [{ soname, action: 'load', origin: chosen.origin }];
}

export function decide({ state: { glibc = true, resident = {}, candidates = [] }, require }) {
  const state = { resident, candidates };
  if (!isWellFormed(state, require)) throw new Rejected('C-5');
  if (!glibc) return { steps: [] }; // L-14
  const { version, steps } = cxx(state);
  if (require.openmp) steps.push(...gomp(state));
  if (olderThan(version, require.glibcxx)) throw new Rejected('L-3');
  if (require.cudart !== undefined) steps.push(...cudart(state, require.cudart));
  return { steps };
}
