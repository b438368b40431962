// The second implementation of the cxxrt ABI tag specification, written from its text alone.
// In: one question per line, as vectors/README.md has it. Out: one answer per line.
// node >= 18, no packages.

import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { bounds } from './bounds.mjs';
import { decide } from './loader.mjs';
import { checkPolicy } from './policy.mjs';
import { checkWheel, format, parse, Rejected } from './tag.mjs';
import { load, places, requirements } from './providers.mjs';
import { expand, knownEpochs, order, supported } from './select.mjs';
import { fromVariant, toVariant } from './variant.mjs';

const root = new URL('../../cxxrt_abi_tag_spec/', import.meta.url);
const data = (name) => JSON.parse(readFileSync(new URL(name, root)));
const symbolFiles = readdirSync(new URL('symbols/', root));
const published = data('tags.json').epochs;
const tables = {
  gcc: data('symbols/gcc-runtime.json').libraries,
  cudart: Object.fromEntries(symbolFiles.filter((name) => name.startsWith('cudart'))
    .map((name) => data(`symbols/${name}`)).map((table) => [table.major, table])),
  releases: data('releases.json').releases,
  manylinux: data('manylinux.json'),
  policy: (runtime) => data(`policies/${runtime}.json`),
  providers: readdirSync(new URL('providers/', root)).map((name) => data(`providers/${name}`)),
  library: (soname) => (symbolFiles.includes(`${soname}.json`) ? data(`symbols/${soname}.json`) : undefined),
};

const operations = {
  parse: ({ abi }) => parse(abi),
  format: (parts) => ({ abi: format(parts) }),
  filename: (wheel) => checkWheel(wheel, knownEpochs(wheel.environment ?? {}, published)),
  supported: ({ environment, tag }) => ({ supported: supported(environment, tag, published) }),
  expand: ({ environment }) => ({ tags: expand(environment, published) }),
  order: ({ environment, wheels }) => ({ wheels: order(environment, wheels, published) }),
  bounds: (input) => bounds(input, tables),
  loader: decide,
  policy: (input) => checkPolicy(input, tables),
  providers: (input) => requirements(input, tables),
  places,
  libraries: load,
  'to-variant': ({ filename }) => toVariant(filename, published),
  'from-variant': ({ filename, properties }) => fromVariant(filename, properties),
};

function reply({ id, operation, input }) {
  if (!Object.hasOwn(operations, operation)) return { id, unsupported: true };
  try {
    return { id, answer: operations[operation](input) };
  } catch (error) {
    if (error instanceof Rejected) return { id, answer: { rejected: error.sentences } };
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim()) console.log(JSON.stringify(reply(JSON.parse(line))));
}
