// What the policy asks of an ELF file (System V gABI; GNU symbol versioning): 64-bit little-endian.

import { Rejected } from './tag.mjs';

const [PT_LOAD, PT_DYNAMIC, PT_GNU_STACK] = [1, 2, 0x6474e551];
const DT = { needed: 1, strtab: 5, symtab: 6, soname: 14, rpath: 15, runpath: 29, gnuHash: 0x6ffffef5, versym: 0x6ffffff0, verneed: 0x6ffffffe };

export function readElf(bytes) { // Z-4: what cannot be read is refused
  try {
    return readWhole(bytes);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) throw new Rejected('Z-4');
    throw error;
  }
}

function readWhole(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (at) => Number(view.getBigUint64(at, true));
  if (view.getUint32(0) !== 0x7f454c46 || view.getUint8(4) !== 2 || view.getUint8(5) !== 1) throw new RangeError();
  const headers = Array.from({ length: view.getUint16(56, true) }, (_, i) => {
    const at = word(32) + i * view.getUint16(54, true);
    return { type: view.getUint32(at, true), flags: view.getUint32(at + 4, true), offset: word(at + 8), address: word(at + 16), size: word(at + 32) };
  });
  const place = (address) => {
    const load = headers.find(({ type, address: start, size }) => type === PT_LOAD && start <= address && address < start + size);
    return load.offset + address - load.address;
  };
  const dynamic = headers.find(({ type }) => type === PT_DYNAMIC);
  const entries = [];
  for (let at = dynamic.offset; word(at) !== 0; at += 16) entries.push([word(at), word(at + 8)]);
  const value = (tag) => entries.find(([found]) => found === tag)?.[1];
  const strings = place(value(DT.strtab));
  const text = (offset) => {
    const start = strings + offset;
    return Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString('latin1');
  };
  const named = (tag) => (value(tag) === undefined ? null : text(value(tag)));
  const { needs, libraries } = versionNeeds(view, text, value(DT.verneed), place);
  const stack = headers.find(({ type }) => type === PT_GNU_STACK);
  return {
    soname: named(DT.soname),
    needed: entries.filter(([tag]) => tag === DT.needed).map(([, offset]) => text(offset)),
    paths: (named(DT.runpath) ?? named(DT.rpath))?.split(':') ?? [],
    executableStack: !stack || (stack.flags & 1) === 1,
    versions: needs,
    symbols: dynamicSymbols(view, text, value, place, libraries),
  };
}

function versionNeeds(view, text, address, place) {
  const needs = Object.create(null);
  const libraries = new Map(); // number of a version to the library that it is needed of
  for (let at = address === undefined ? null : place(address); at !== null;) {
    const nodes = [];
    const library = text(view.getUint32(at + 4, true));
    for (let aux = at + view.getUint32(at + 8, true); ;) {
      if ((view.getUint16(aux + 4, true) & 2) === 0) nodes.push(text(view.getUint32(aux + 8, true))); // not weak
      libraries.set(view.getUint16(aux + 6, true), library);
      const next = view.getUint32(aux + 12, true);
      if (!next) break;
      aux += next;
    }
    needs[library] = nodes;
    const next = view.getUint32(at + 12, true);
    at = next ? at + next : null;
  }
  return { needs, libraries };
}

function symbolCount(view, table) { // the last chain of DT_GNU_HASH ends at the last symbol
  const [buckets, first, bloom] = [0, 4, 8].map((at) => view.getUint32(table + at, true));
  const start = table + 16 + bloom * 8;
  let last = 0;
  for (let i = 0; i < buckets; i += 1) last = Math.max(last, view.getUint32(start + i * 4, true));
  if (last < first) return first;
  while ((view.getUint32(start + (buckets + last - first) * 4, true) & 1) === 0) last += 1;
  return last + 1;
}

function dynamicSymbols(view, text, value, place, libraries) {
  if (value(DT.symtab) === undefined || value(DT.gnuHash) === undefined) return [];
  const count = symbolCount(view, place(value(DT.gnuHash)));
  const versions = value(DT.versym) === undefined ? null : place(value(DT.versym));
  return Array.from({ length: count }, (_, i) => {
    const at = place(value(DT.symtab)) + i * 24;
    return {
      name: text(view.getUint32(at, true)),
      weak: view.getUint8(at + 4) >> 4 === 2, // STB_WEAK
      defined: view.getUint16(at + 6, true) !== 0,
      library: versions === null ? undefined : libraries.get(view.getUint16(versions + i * 2, true) & 0x7fff),
    };
  });
}
