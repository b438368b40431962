// The second implementation of the cxxrt ABI tag specification, written from its text alone.
// In: one question per line, as vectors/README.md has it. Out: one answer per line.
// node >= 18, no packages.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { checkWheel, format, parse, Rejected } from './tag.mjs';
import { expand, knownEpochs, order, supported } from './select.mjs';
import { fromVariant, toVariant } from './variant.mjs';

const data = (name) => JSON.parse(readFileSync(new URL(`../../cxxrt_abi_tag_spec/${name}`, import.meta.url)));
const published = data('tags.json').epochs;

const operations = {
  parse: ({ abi }) => parse(abi),
  format: (parts) => ({ abi: format(parts) }),
  filename: (wheel) => checkWheel(wheel, knownEpochs(wheel.environment ?? {}, published)),
  supported: ({ environment, tag }) => ({ supported: supported(environment, tag, published) }),
  expand: ({ environment }) => ({ tags: expand(environment, published) }),
  order: ({ environment, wheels }) => ({ wheels: order(environment, wheels, published) }),
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
