// Sections 6 and 7: which tags an environment supports, and in what order.

import { compare, eligible, expandField, formatRuntime, isBase, parse, Rejected, splitName } from './tag.mjs';

function partsOf(tag) {
  const [python, abi, platform] = tag.split('-');
  return { python, abi, platform, plain: isBase(abi) }; // S-9
}

function vetoed(environment, { epoch, cuda }, architecture) { // S-5
  return (environment.veto ?? []).some((row) => row.compatible === false && row.epoch === epoch
    && row.cuda === cuda && row.architecture === architecture);
}

const architectureOf = (platform) => platform.replace(/^manylinux_[0-9]+_[0-9]+_/, '');

function allows(environment, epochs, runtime, platform) { // S-2 to S-5
  const epoch = epochs[runtime.epoch];
  return Boolean(epoch) && eligible(platform, epoch)
    && (runtime.cuda === null || epoch.cuda_majors.includes(runtime.cuda))
    && !vetoed(environment, runtime, architectureOf(platform));
}

const union = (a, b) => [...new Set([...a, ...b])];

function knownEpochs({ epochs, installed }, published) { // S-2, E-6
  const known = Object.fromEntries(Object.entries(epochs ?? published).filter(([number]) => BigInt(number) < 1000n));
  for (const [number, declared] of Object.entries(installed ?? {})) {
    const own = known[number] ?? declared;
    known[number] = {
      ...own,
      architectures: union(own.architectures, declared.architectures),
      cuda_majors: union(own.cuda_majors, declared.cuda_majors),
    };
  }
  return known;
}

const descending = (a, b) => (a < b ? 1 : -(a > b));

function runtimesAround(epochs, driver) { // O-2, O-3, O-5
  const before = [];
  const after = [];
  for (const number of Object.keys(epochs).map(BigInt).sort(descending)) {
    const majors = [...epochs[number].cuda_majors].sort(descending);
    const runs = (major) => driver !== null && driver !== undefined && major <= driver;
    for (const cuda of majors.filter(runs)) before.push({ epoch: number, cuda });
    before.push({ epoch: number, cuda: null });
    for (const cuda of majors.filter((major) => !runs(major)).reverse()) after.push({ epoch: number, cuda });
  }
  return { before, after };
}

const servesInterpreter = (environment) => // S-10
  environment.tags.every((tag) => /^(cp|py)/.test(tag));

export function expand(environment, published) {
  if (!servesInterpreter(environment)) return [...new Set(environment.tags)];
  const epochs = knownEpochs(environment, published);
  const { before, after } = runtimesAround(epochs, environment.driver);
  const runs = [];
  for (const tag of environment.tags) { // O-1
    const parts = partsOf(tag);
    const last = runs.at(-1);
    if (last && last.python === parts.python && last.abi === parts.abi) last.platforms.push(parts.platform);
    else runs.push({ ...parts, platforms: [parts.platform] });
  }
  const own = new Set(environment.tags); // S-8: these keep their places
  const around = (run, runtimes) => (run.plain ? runtimes : []).flatMap((runtime) => run.platforms
    .filter((platform) => allows(environment, epochs, runtime, platform))
    .map((platform) => `${run.python}-${formatRuntime(runtime)}_${run.abi}-${platform}`)
    .filter((tag) => !own.has(tag)));
  const tags = runs.flatMap((run) => [
    ...around(run, before),
    ...run.platforms.map((platform) => `${run.python}-${run.abi}-${platform}`),
    ...around(run, after),
  ]);
  return [...new Set(tags)]; // O-8
}

export function supported(environment, tag, published) {
  if (environment.tags.includes(tag)) return true; // S-8
  const [python, abi, platform] = tag.split('-');
  let parsed;
  try {
    parsed = parse(abi);
  } catch (error) {
    if (error instanceof Rejected) return false;
    throw error;
  }
  return environment.tags.includes(`${python}-${parsed.base}-${platform}`) // S-1
    && servesInterpreter(environment)
    && allows(environment, knownEpochs(environment, published), parsed, platform);
}

function byBuild(a, b) { // O-7a
  const [[, left, more], [, right, rest]] = [a, b].map((build) => /^([0-9]*)(.*)$/.exec(build ?? ''));
  if (!left || !right) return (left ? 0 : 1) - (right ? 0 : 1);
  return compare(right, left) || descending(more, rest);
}

export function order(environment, wheels, published) { // O-7, I-1
  const rank = new Map(expand(environment, published).map((tag, index) => [tag, index]));
  return wheels
    .flatMap((wheel) => {
      try {
        const fields = splitName(wheel);
        const best = Math.min(...expandField(fields).map((tag) => rank.get(tag) ?? Infinity));
        return [{ wheel, best, build: fields.build }];
      } catch (error) {
        if (error instanceof Rejected) return []; // no wheel's name
        throw error;
      }
    })
    .filter(({ best }) => best !== Infinity)
    .sort((a, b) => a.best - b.best || byBuild(a.build, b.build))
    .map(({ wheel }) => wheel);
}
