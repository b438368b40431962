// The second implementation of the cxxrt ABI tag specification, written from its text alone.
// In: one question per line, as vectors/README.md has it. Out: one answer per line.
// node >= 18, no packages.

import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { bounds } from './bounds.mjs';
import { asJson, parseJson } from './exact.mjs';
import { formsOf } from './forms.mjs';
import { decide } from './loader.mjs';
import { checkPolicy } from './policy.mjs';
import { load, places, requirements } from './providers.mjs';
import { expand, order, supported } from './select.mjs';
import { checkRelease, checkWheel, format, parse, Rejected } from './tag.mjs';
import { fromVariant, toVariant } from './variant.mjs';

const root = new URL('../../cxxrt_abi_tag_spec/', import.meta.url);
const read = (name, base) => parseJson(readFileSync(new URL(name, base), 'utf8'));
const data = (name) => read(name, root);
const fits = formsOf(read('../../vectors/forms.json', import.meta.url));
const symbolFiles = readdirSync(new URL('symbols/', root));
const published = data('tags.json').epochs;
const tables = {
  gcc: data('symbols/gcc-runtime.json').libraries,
  only: data('symbols/gcc-runtime.json').architectures,
  cudart: Object.fromEntries(symbolFiles.filter((name) => name.startsWith('cudart'))
    .map((name) => data(`symbols/${name}`)).map((table) => [table.major, table])),
  releases: data('releases.json').releases,
  manylinux: data('manylinux.json'),
  epochs: published,
  policy: (runtime) => data(`policies/${runtime}.json`),
  providers: readdirSync(new URL('providers/', root)).map((name) => data(`providers/${name}`)),
  library: (soname) => (symbolFiles.includes(`${soname}.json`) ? data(`symbols/${soname}.json`) : undefined),
};

const operations = {
  parse: ({ abi }) => parse(abi),
  format: (parts) => ({ abi: format(parts) }),
  filename: (wheel) => checkWheel(wheel, published),
  release: ({ wheels }) => checkRelease(wheels),
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
  'from-variant': ({ filename, properties }) => fromVariant(filename, properties, published),
};

const MALFORMED = { rejected: ['C-5'] };

function answer(operation, input) {
  if (!fits(input, operation)) return MALFORMED;
  try {
    return operations[operation](input);
  } catch (error) {
    if (error instanceof Rejected) return { rejected: error.sentences };
    throw error;
  }
}

function reply(line) {
  let question;
  try {
    question = parseJson(line);
  } catch {
    question = null;
  }
  const whole = ['id', 'operation', 'input'].every((key) => Object.hasOwn(Object(question), key));
  if (!whole) return { id: null, answer: MALFORMED };
  const { id, operation, input } = question;
  if (!Object.hasOwn(operations, operation)) return { id, unsupported: true };
  try {
    return { id, answer: answer(operation, input) };
  } catch (error) { // a fault of this program: the next question is to be answered
    return { id, error: String(error.stack) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim()) console.log(asJson(reply(line)));
}
