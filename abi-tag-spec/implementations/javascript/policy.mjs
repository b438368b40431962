// Section 8: what a wheel's objects may need and contain under a tag.

import { bounds } from './bounds.mjs';
import { readElf } from './elf.mjs';
import { compare } from './loader.mjs';
import { formatRuntime, parse, Rejected } from './tag.mjs';

const glob = (pattern) => new RegExp(`^${pattern.replace(/[.+^${}()|\\]/g, '\\$&').replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
const any = (patterns, text) => patterns.some((pattern) => glob(pattern).test(text));

function namesOldString(mangled) { // P-5: walks the tokens, so that "Ss" in an identifier does not count
  const token = /S[0-9A-Z]*_|T[0-9]*_|L[a-z]n?[0-9]+E|([0-9]+)|(Ss)|./gy;
  token.lastIndex = 2;
  for (let found; mangled.startsWith('_Z') && (found = token.exec(mangled)) !== null;) {
    if (found[2]) return true;
    if (found[1]) token.lastIndex += Number(found[1]);
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

const numbers = (text) => (/^[0-9.]+$/.test(text) ? text : null);

function promiseOf(glibc, manylinux) { // what the plain platform tag promises: P-3, P-9
  const here = manylinux.platforms.filter((row) => compare(row.glibc, glibc) <= 0);
  const row = here.at(-1) ?? manylinux.platforms[0];
  return {
    lacks(architecture, node) {
      const [namespace, ...rest] = node.split('_');
      const ceiling = (row[architecture] ?? {})[namespace] ?? row[namespace];
      if (!manylinux.namespaces.includes(namespace)) return false;
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
  const [, abi, platform] = tag.split('-');
  const parsed = parse(abi);
  const policy = tables.policy(formatRuntime(parsed));
  const [, major, minor, architecture] = /^manylinux_(\d+)_(\d+)_(.+)$/.exec(platform);
  const glibc = `${major}.${minor}`;
  const promise = promiseOf(glibc, tables.manylinux);
  const read = objects.map(({ name, elf }) => ({ name, ...readElf(Buffer.from(elf.base64, 'base64')) }));
  const inside = new Set(read.flatMap(({ name, soname }) => [name.split('/').at(-1), soname]));
  const faults = new Set();
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
    const bound = lowerBound(object, parsed.epoch, tables);
    if (bound === null) faults.add('P-3');
    else if (compare(bound, runtime) > 0) faults.add('G-7');
    for (const node of Object.values(object.versions).flat()) {
      if (/^GLIBC_[0-9.]+$/.test(node) && compare(node.slice(6), glibc) > 0) faults.add('P-4');
    }
    if (policy.cxx11_abi && object.symbols.some(({ name }) => namesOldString(name))) faults.add('P-5');
    if (object.executableStack) faults.add('P-7');
    if (object.paths.some((path) => leavesWheel(path, object.name))) faults.add('P-8');
  }
  if (faults.size) throw new Rejected(...faults);
  return { conforms: true };
}

function lowerBound(object, epoch, tables) { // null: none of the tables has it
  try {
    return bounds({ epoch, needs: object.versions }, tables).minimum;
  } catch (error) {
    if (error instanceof Rejected) return null;
    throw error;
  }
}
