// Sections 4 and 5: the tag's grammar, and the rules on a wheel's file name and metadata.

const RUNTIME = 'cxxrt([1-9][0-9]*)(?:_cu([1-9][0-9]+))?';
const BASE = '(?!cu|cxxrt)[a-z][a-z0-9]*(?:_(?!cxxrt)[a-z0-9]+)*';
const BASE_ABI = new RegExp(`^${BASE}$`);
const RUNTIME_ABI = new RegExp(`^${RUNTIME}$`);
const ABI_TAG = new RegExp(`^${RUNTIME}_(${BASE})$`);
const LONGEST = 255; // T-8, G-8
const PERENNIAL = /^manylinux_([0-9]+)_([0-9]+)_([a-z0-9_]+)$/;
const ALIASES = { manylinux1: '2_5', manylinux2010: '2_12', manylinux2014: '2_17' };

export function compare(a, b) { // dotted numbers of any size
  const [left, right] = [a, b].map((text) => text.split('.').map(BigInt));
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const [x, y] = [left[i] ?? 0n, right[i] ?? 0n];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

export class Rejected extends Error {
  constructor(...sentences) {
    super(sentences.join(', '));
    this.sentences = [...new Set(sentences)].sort();
  }
}

export function parse(abi) { // T-1 to T-5
  const found = abi.length <= LONGEST && ABI_TAG.exec(abi);
  if (!found) throw new Rejected('T-1');
  return { base: found[3], epoch: BigInt(found[1]), cuda: found[2] ? BigInt(found[2]) : null };
}

export function parseRuntime(text) {
  const found = RUNTIME_ABI.exec(text);
  return found && { epoch: BigInt(found[1]), cuda: found[2] ? BigInt(found[2]) : null };
}

export const formatRuntime = ({ epoch, cuda }) =>
  `cxxrt${epoch}${cuda === null ? '' : `_cu${cuda}`}`;

export const isBase = (abi) => BASE_ABI.test(abi); // T-4

export function format({ base, epoch, cuda }) { // T-7
  const abi = `${formatRuntime({ epoch, cuda })}_${base}`;
  if (!isBase(base) || !ABI_TAG.test(abi) || abi.length > LONGEST) throw new Rejected('T-7');
  return abi;
}

const claimsRuntime = (abi) => abi.toLowerCase().split(/[_+]/).some((s) => s.startsWith('cxxrt'));

export function eligible(platform, epoch) { // S-3, and the heart of G-2
  const found = PERENNIAL.exec(platform);
  if (!found) return false;
  return compare(`${found[1]}.${found[2]}`, epoch.glibc_floor) >= 0 && epoch.architectures.includes(found[3]);
}

function platformsAllowed(platforms, epoch) { // G-2, G-2a, G-2b
  const known = (arch) => !epoch || epoch.architectures.includes(arch);
  const all = new Set(platforms);
  if (all.size === 1 && /^linux_[a-z0-9_]+$/.test(platforms[0])) return known(platforms[0].slice(6));
  return platforms.every((platform) => {
    const alias = /^(manylinux(?:1|2010|2014))_(.+)$/.exec(platform);
    const perennial = alias ? `manylinux_${ALIASES[alias[1]]}_${alias[2]}` : platform;
    if (alias && !platforms.includes(perennial)) return false;
    return epoch ? eligible(perennial, epoch) : PERENNIAL.test(perennial);
  });
}

export function pythonAllowed(pythons, base) { // G-3
  const cpython = /^(cp[0-9]+)/.exec(base);
  if (cpython) return pythons.every((python) => python === cpython[1]);
  if (/^abi3t?$/.test(base)) return pythons.every((python) => /^cp3[0-9]+$/.test(python));
  const pypy = /^pypy([0-9]+)_pp[0-9]+$/.exec(base);
  if (pypy) return pythons.every((python) => python === `pp${pypy[1]}`);
  const graal = /^graalpy[0-9]+_([0-9]+)_native$/.exec(base);
  return !graal || pythons.every((python) => python === `graalpy${graal[1]}`);
}

const CLAUSE = /^[ \t]*(>=|<)[ \t]*((?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*)[ \t]*$/;

const normalized = (name) => name.toLowerCase().replace(/[._-]+/g, '-');

function isRequirement(line, epoch) { // G-7, G-7a
  const [, name, rest] = /^[ \t]*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(.*)$/s.exec(line) ?? [];
  if (name === undefined || normalized(name) !== 'cxx11-cuda-runtime') return false;
  const text = rest.replace(/^[ \t]+|[ \t]+$/g, '');
  const clauses = (/^\(.*\)$/s.test(text) ? text.slice(1, -1) : text).split(',').map((each) => CLAUSE.exec(each));
  const versions = Object.fromEntries(clauses.filter(Boolean).map(([, operator, numbers]) => [operator, numbers.split('.')]));
  const { '>=': lower, '<': upper } = versions;
  return clauses.length === 2 && lower !== undefined && upper !== undefined
    && lower[0] === String(epoch) && (lower.length === 2 || lower.length === 3)
    && upper[0] === String(epoch + 1n) && upper.slice(1).every((number) => number === '0');
}

const SET = '[A-Za-z0-9_]+(?:\\.[A-Za-z0-9_]+)*';
const WHEEL = new RegExp(`^([A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-([A-Za-z0-9.!+_]+)(?:-([0-9][A-Za-z0-9_.]*))?`
  + `-((?![0-9])${SET})-(${SET.replaceAll('_]', '_+]')})-(${SET})(?:-([0-9a-z_.]+))?\\.whl$`);
const PEP_440 = /^v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*(?:[-_.]?(?:alpha|a|beta|b|preview|pre|c|rc)[-_.]?[0-9]*)?(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?(?:[-_.]?dev[-_.]?[0-9]*)?(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?$/i;

export function splitName(filename) { // G-8, G-9
  if (Buffer.byteLength(filename) > LONGEST) throw new Rejected('G-8');
  const found = WHEEL.exec(filename);
  if (!found || found[1].includes('__') || !PEP_440.test(found[2])) throw new Rejected('G-9');
  const [, name, release, build = null, python, abi, platform, label = null] = found;
  const fields = { name, release, build, python, abi, platform, label };
  if ([python, abi, platform].reduce((n, set) => n * set.split('.').length, 1) > 4096) throw new Rejected('G-8');
  return fields;
}

export const joinName = ({ name, release, build, python, abi, platform, label }) =>
  `${[name, release, build, python, abi, platform, label].filter((part) => part !== null).join('-')}.whl`;

export function expandField({ python, abi, platform }) {
  const [pythons, abis, platforms] = [python, abi, platform].map((set) => set.split('.'));
  return [...new Set(pythons.flatMap((p) => abis.flatMap((a) => platforms.map((l) => `${p}-${a}-${l}`))))];
}

export function checkWheel({ filename, tag_lines: tagLines, requires_dist: requirements, variant }, epochs) {
  const fields = splitName(filename);
  const tags = expandField(fields).sort();
  const abis = fields.abi.split('.');
  const claiming = abis.filter(claimsRuntime);
  if (claiming.length === 0) return { runtime_abi: null, tags };
  const parsed = claiming.map(parse); // T-1 comes before all others
  const faults = [];
  const runtimes = new Set(parsed.map(formatRuntime));
  if (claiming.length !== abis.length || runtimes.size !== 1) faults.push('G-4');
  for (const { base, epoch } of parsed) {
    if (!platformsAllowed(fields.platform.split('.'), epochs[epoch])) faults.push('G-2');
    if (!pythonAllowed(fields.python.split('.'), base)) faults.push('G-3');
    if (requirements && !requirements.some((line) => isRequirement(line, epoch))) faults.push('G-7');
  }
  if (fields.label !== null || variant) faults.push('G-5');
  if (tagLines && JSON.stringify([...new Set(tagLines)].sort()) !== JSON.stringify(tags)) faults.push('G-6');
  if (faults.length) throw new Rejected(...faults);
  return { runtime_abi: [...runtimes][0], tags };
}

export function checkRelease(wheels) { // B-7
  const first = new Map();
  let same = true;
  for (const { filename, requires_dist: lines } of wheels) {
    const { name, release } = splitName(filename);
    const key = `${normalized(name)}-${release}`;
    const all = JSON.stringify([...new Set(lines.map((line) => line.replace(/[ \t]/g, '')))].sort());
    same &&= (first.get(key) ?? all) === all;
    first.set(key, all);
  }
  if (!same) throw new Rejected('B-7');
  return { consistent: true };
}
