// Sections 4 and 5: the tag's grammar, and the rules on a wheel's file name and metadata.

const RUNTIME = 'cxxrt([1-9][0-9]*)(?:_cu([1-9][0-9]+))?';
const BASE = '(?!cu|cxxrt)[a-z][a-z0-9]*(?:_(?!cxxrt)[a-z0-9]+)*';
const BASE_ABI = new RegExp(`^${BASE}$`);
const RUNTIME_ABI = new RegExp(`^${RUNTIME}$`);
const ABI_TAG = new RegExp(`^${RUNTIME}_(${BASE})$`);
const PERENNIAL = /^manylinux_([0-9]+)_([0-9]+)_([a-z0-9_]+)$/;
const ALIASES = { manylinux1: '2_5', manylinux2010: '2_12', manylinux2014: '2_17' };

export class Rejected extends Error {
  constructor(...sentences) {
    super(sentences.join(', '));
    this.sentences = [...new Set(sentences)].sort();
  }
}

export function parse(abi) { // T-1 to T-5
  const found = ABI_TAG.exec(abi);
  if (!found) throw new Rejected('T-1');
  return { base: found[3], epoch: Number(found[1]), cuda: found[2] ? Number(found[2]) : null };
}

export function parseRuntime(text) {
  const found = RUNTIME_ABI.exec(text);
  return found && { epoch: Number(found[1]), cuda: found[2] ? Number(found[2]) : null };
}

export const formatRuntime = ({ epoch, cuda }) =>
  `cxxrt${epoch}${cuda === null || cuda === undefined ? '' : `_cu${cuda}`}`;

export const isBase = (abi) => BASE_ABI.test(abi); // T-4

export function format({ base, epoch, cuda }) { // T-7
  if (!isBase(base) || !RUNTIME_ABI.test(formatRuntime({ epoch, cuda }))) throw new Rejected('T-7');
  return `${formatRuntime({ epoch, cuda })}_${base}`;
}

const claimsRuntime = (abi) => abi.toLowerCase().split(/[_+]/).some((s) => s.startsWith('cxxrt'));

const olderThan = ([a, b], [c, d]) => a < c || (a === c && b < d);

export const version = (text) => text.split('.').map(Number);

export function eligible(platform, epoch) { // S-3, and the heart of G-2
  const found = PERENNIAL.exec(platform);
  if (!found) return false;
  const glibc = [Number(found[1]), Number(found[2])];
  return !olderThan(glibc, version(epoch.glibc_floor)) && epoch.architectures.includes(found[3]);
}

function platformsAllowed(platforms, epoch) { // G-2, G-2a, G-2b
  const known = (arch) => !epoch || epoch.architectures.includes(arch);
  if (platforms.length === 1 && platforms[0].startsWith('linux_')) return known(platforms[0].slice(6));
  return platforms.every((platform) => {
    const alias = /^(manylinux(?:1|2010|2014))_(.+)$/.exec(platform);
    const perennial = alias ? `manylinux_${ALIASES[alias[1]]}_${alias[2]}` : platform;
    if (alias && !platforms.includes(perennial)) return false;
    return epoch ? eligible(perennial, epoch) : PERENNIAL.test(perennial);
  });
}

function pythonAllowed(pythons, base) { // G-3
  const cpython = /^(cp[0-9]+)/.exec(base);
  if (cpython) return pythons.every((python) => python === cpython[1]);
  if (/^abi3t?$/.test(base)) return pythons.every((python) => /^cp3[0-9]+$/.test(python));
  const pypy = /^pypy([0-9]+)_pp[0-9]+$/.exec(base);
  if (pypy) return pythons.every((python) => python === `pp${pypy[1]}`);
  const graal = /^graalpy[0-9]+_([0-9]+)_native$/.exec(base);
  return !graal || pythons.every((python) => python === `graalpy${graal[1]}`);
}

function requirementFaults(requirements, epoch) { // G-7
  const ours = requirements.filter((text) => {
    const name = /^\s*([A-Za-z0-9._-]+)/.exec(text);
    return name && name[1].toLowerCase().replace(/[._-]+/g, '-') === 'cxx11-cuda-runtime'
      && !text.includes(';') && !text.includes('[');
  });
  if (ours.length === 0) return ['G-7'];
  const clauses = ours.flatMap((text) => text.replace(/[()]/g, '').match(/(?:>=|<=|==|~=|!=|<|>)\s*[0-9.]+/g) ?? [])
    .map((clause) => /^(\D+?)\s*([0-9.]+)$/.exec(clause).slice(1));
  const lower = clauses.find(([op]) => op === '>=');
  const upper = clauses.find(([op]) => op === '<');
  const minimum = lower ? lower[1].split('.') : [];
  const right = minimum.length > 1 && Number(minimum[0]) === epoch
    && upper && upper[1].replace(/(\.0)+$/, '') === String(epoch + 1);
  return right ? [] : ['G-7'];
}

export function splitName(filename) {
  const parts = filename.replace(/\.whl$/, '').split('-');
  const build = parts.length >= 6 && /^[0-9]/.test(parts[2]) ? parts.splice(2, 1)[0] : null;
  const [name, release, python, abi, platform, label = null] = parts;
  return { name, release, build, python, abi, platform, label };
}

export const joinName = ({ name, release, build, python, abi, platform, label }) =>
  `${[name, release, build, python, abi, platform, label].filter((part) => part !== null).join('-')}.whl`;

export function expandField({ python, abi, platform }) {
  const [pythons, abis, platforms] = [python, abi, platform].map((set) => set.split('.'));
  if (pythons.length * abis.length * platforms.length > 4096) throw new Rejected('G-8');
  return pythons.flatMap((p) => abis.flatMap((a) => platforms.map((l) => `${p}-${a}-${l}`)));
}

export function checkWheel({ filename, tag_lines: tagLines, requires_dist: requirements, variant }, epochs) {
  const fields = splitName(filename);
  const tags = expandField(fields).sort();
  const abis = fields.abi.split('.');
  const claiming = abis.filter(claimsRuntime);
  if (claiming.length === 0) return { runtime_abi: null, tags };
  const parsed = claiming.map(parse);
  const faults = [];
  const runtimes = new Set(parsed.map(formatRuntime));
  if (claiming.length !== abis.length || runtimes.size !== 1) faults.push('G-4');
  for (const { base, epoch } of parsed) {
    if (!platformsAllowed(fields.platform.split('.'), epochs[epoch])) faults.push('G-2');
    if (!pythonAllowed(fields.python.split('.'), base)) faults.push('G-3');
    if (requirements) faults.push(...requirementFaults(requirements, epoch));
  }
  if (fields.label !== null || variant) faults.push('G-5');
  if (tagLines && JSON.stringify([...tagLines].sort()) !== JSON.stringify(tags)) faults.push('G-6');
  if (faults.length) throw new Rejected(...faults);
  return { runtime_abi: [...runtimes][0], tags };
}
