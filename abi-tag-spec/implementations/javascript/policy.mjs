// Section 8: what a wheel's objects may need and contain under a tag.

import { bounds } from './bounds.mjs';
import { readElf } from './elf.mjs';
import { compare, eligible, formatRuntime, parse, pythonAllowed, Rejected } from './tag.mjs';

const MEMBER = /^(?!.{256})(?!\.\.?(?:\/|$))[\w.+-]+(?:\/(?!\.\.?(?:\/|$))[\w.+-]+)*$/;
const glob = (pattern) => new RegExp(`^${pattern.replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
const any = (patterns, text) => patterns.some((pattern) => glob(pattern).test(text));

function namesOldString(mangled) { // P-5: walks the tokens, so that "Ss" in an identifier does not count
  const token = /S[0-9A-Z]*_|T[0-9]*_|L[a-z]n?[0-9]+E|([0-9]+)|(Ss)|./gy;
  token.lastIndex = 2;
  for (let found; mangled.startsWith('_Z') && (found = token.exec(mangled)) !== null;) {
    if (found[2]) return true;
    if (found[1]) token.lastIndex += Math.min(Number(found[1]), mangled.length);
  }
  return false;
}

function leavesWheel(path, name) { // P-8
  if (!/^\$(ORIGIN|\{ORIGIN\})(\/|$)/.test(path)) return true;
  let depth = name.split('/').length - 1;
  return path.split('/').slice(1).some((part) => {
    if (part === '..') depth -= 1;
    else if (part && part !== '.') depth += 1;
    return depth < 0;
  });
}

const numbers = (text) => (/^[0-9]+(\.[0-9]+)*$/.test(text) ? text : null);

function promiseOf(glibc, manylinux) { // what the plain platform tag promises: P-3, P-9
  const here = manylinux.platforms.filter((row) => compare(row.glibc, glibc) <= 0);
  const row = here.at(-1) ?? manylinux.platforms[0];
  return {
    lacks(architecture, node) {
      const [namespace, ...rest] = node.split('_');
      const ceiling = (row[architecture] ?? {})[namespace] ?? row[namespace];
      if (!manylinux.namespaces.includes(namespace) || ceiling === undefined) return false;
      const number = numbers(rest.join('_'));
      if (number) return compare(number, ceiling) > 0;
      return !(node in manylinux.named) || compare(manylinux.named[node], glibc) > 0;
    },
    privateSymbols: (soname) => manylinux.private
      .filter(({ library, until }) => library === soname && (!until || compare(glibc, until) < 0))
      .flatMap(({ symbols }) => symbols),
  };
}

export function checkPolicy({ tag, runtime, objects }, tables) {
  const [python, abi, platform] = tag.split('-');
  const names = objects.map(({ name }) => name);
  if (tag.length > 240 || new Set(names).size < names.length || !names.every((name) => MEMBER.test(name))) throw new Rejected('C-5');
  const parsed = parse(abi);
  if (!Object.hasOwn(tables.epochs, parsed.epoch)) throw new Rejected('S-2');
  const epoch = tables.epochs[parsed.epoch];
  if (parsed.cuda !== null && !epoch.cuda_majors.includes(parsed.cuda)) throw new Rejected('S-4');
  if (!eligible(platform, epoch)) throw new Rejected('G-2');
  if (!pythonAllowed([python], parsed.base)) throw new Rejected('G-3');
  const policy = tables.policy(formatRuntime(parsed));
  const [, major, minor, architecture] = /^manylinux_(\d+)_(\d+)_(.+)$/.exec(platform);
  const glibc = `${major}.${minor}`;
  const promise = promiseOf(glibc, tables.manylinux);
  const read = objects.map(({ name, elf }) => ({ name, ...readElf(Buffer.from(elf.base64, 'base64')) }));
  const inside = new Set(read.flatMap(({ name, soname }) => [name.split('/').at(-1), soname]));
  const faults = new Set();
  const [first, ...rest] = runtime.split('.');
  if (first !== String(parsed.epoch) || rest.length < 1 || rest.length > 2) faults.add('G-7');
  for (const object of read) {
    const outside = object.needed.filter((soname) => !inside.has(soname));
    for (const soname of outside) {
      const since = policy.lib_since[soname];
      if (!policy.lib_whitelist.includes(soname) || (since && compare(glibc, since) < 0)) faults.add('P-1');
      const hidden = [...promise.privateSymbols(soname), ...(policy.blacklist[soname] ?? [])];
      const needs = object.symbols.filter(({ defined, weak }) => !defined && !weak);
      if (needs.some(({ name }) => hidden.includes(name))) faults.add('P-9');
      const versions = policy.runtime_libraries.includes(soname) ? [] : object.versions[soname] ?? [];
      if (versions.some((node) => promise.lacks(architecture, node))) faults.add('P-3');
      if (soname.startsWith('libcudart.so.') && soname !== `libcudart.so.${parsed.cuda}`) faults.add('G-1');
    }
    const names = [object.name.split('/').at(-1), object.soname ?? ''];
    const defined = object.symbols.filter((symbol) => symbol.defined).map((symbol) => symbol.name);
    if (names.some((text) => any(policy.forbidden_members, text))) faults.add('P-2');
    if (defined.some((text) => any(policy.forbidden_definitions, text))) faults.add('P-2');
    const bound = lowerBound(object, outside, { epoch: parsed.epoch, architecture }, tables);
    if (bound === null) faults.add('P-3');
    else if (compare(bound, runtime) > 0) faults.add('G-7');
    for (const node of Object.values(object.versions).flat()) {
      if (/^GLIBC_[0-9.]+$/.test(node) && compare(node.slice(6), glibc) > 0) faults.add('P-4');
    }
    if (policy.cxx11_abi && defined.some(namesOldString)) faults.add('P-5');
    if (object.executableStack) faults.add('P-7');
    if (object.paths.some((path) => leavesWheel(path, object.name))) faults.add('P-8');
  }
  if (faults.size) throw new Rejected(...faults);
  return { conforms: true };
}

function lowerBound(object, outside, { epoch, architecture }, tables) { // null: none of the tables has it
  const needs = Object.fromEntries(Object.entries(object.versions).filter(([soname]) => outside.includes(soname)));
  const majors = outside.map((soname) => /^libcudart\.so\.([0-9]+)$/.exec(soname)).filter(Boolean);
  const cudart = Object.fromEntries(majors.map(([soname, major]) =>
    [major, object.symbols.filter(({ defined, weak, library }) => !defined && !weak && library === soname).map(({ name }) => name)]));
  try {
    return bounds({ epoch, needs, cudart, architecture }, tables).minimum;
  } catch (error) {
    if (error instanceof Rejected) return null;
    throw error;
  }
}
