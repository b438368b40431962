// Section 9: what the loader does, given what it finds and what it is asked for.

import { Rejected } from './tag.mjs';

const STDCXX = 'libstdc++.so.6';
const GCC_S = 'libgcc_s.so.1';
const GOMP = 'libgomp.so.1';
const CXX_ORIGINS = ['own', 'conda', 'library-path', 'system']; // L-5: equals go to the first
const CUDART_ORIGINS = ['nvidia', 'conda', 'own', 'system']; // L-9

export function compare(a, b) { // dotted numbers
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) - (right[i] ?? 0);
  }
  return 0;
}

const olderThan = (version, required) => required !== undefined && compare(version, required) < 0;

function cxx({ resident, candidates }) { // L-2, L-5, L-6
  if (STDCXX in resident) return { version: resident[STDCXX], steps: [{ soname: STDCXX, action: 'promote' }] };
  const best = candidates.filter(({ soname }) => soname === STDCXX).sort((a, b) =>
    compare(b.version, a.version) || CXX_ORIGINS.indexOf(a.origin) - CXX_ORIGINS.indexOf(b.origin))[0];
  const steps = [{ soname: STDCXX, action: 'load', origin: best.origin }];
  if (best.origin === 'own' && !(GCC_S in resident)) steps.unshift({ soname: GCC_S, action: 'load', origin: 'own' });
  return { version: best.version, steps };
}

function gomp({ resident, candidates }) { // L-6a
  if (GOMP in resident) return [{ soname: GOMP, action: 'promote' }];
  const ours = candidates.filter(({ soname }) => soname === GOMP);
  const [newest] = ours.filter(({ origin }) => origin === 'own' || origin === 'torch')
    .sort((a, b) => compare(b.version, a.version) || a.origin.localeCompare(b.origin));
  const chosen = newest ?? ours.find(({ origin }) => origin === 'system');
  if (!chosen) throw new Rejected('L-6a');
  return [{ soname: GOMP, action: 'load', origin: chosen.origin }];
}

function cudart({ resident, candidates }, required) { // L-8 to L-11
  const soname = `libcudart.so.${required.split('.')[0]}`;
  if (soname in resident) {
    if (olderThan(resident[soname], required)) throw new Rejected('L-8');
    return [{ soname, action: 'promote' }];
  }
  const ours = candidates.filter((candidate) => candidate.soname === soname)
    .sort((a, b) => CUDART_ORIGINS.indexOf(a.origin) - CUDART_ORIGINS.indexOf(b.origin));
  const own = ours.find(({ origin }) => origin === 'own');
  const chosen = ours.find(({ origin, version }) =>
    !(origin === 'nvidia' && olderThan(version, required) && own && !olderThan(own.version, required)));
  if (!chosen || olderThan(chosen.version, required)) throw new Rejected('L-9a');
  return [{ soname, action: 'load', origin: chosen.origin }];
}

export function decide({ state, require }) {
  if (state.glibc === false) return { steps: [] }; // L-14
  const { version, steps } = cxx(state);
  if (require.openmp) steps.push(...gomp(state));
  if (olderThan(version, require.glibcxx)) throw new Rejected('L-3');
  if (require.cudart !== undefined) steps.push(...cudart(state, require.cudart));
  return { steps };
}
