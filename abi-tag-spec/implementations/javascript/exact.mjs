// JSON whose integers are exact (BigInt), whatever their size; other numbers stay numbers.

const TOKEN = /"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/g;
const INTEGER = /^-?[0-9]+$/;
const MARK = '\ud800'; // half a character, which no text of a question may have
const MARKED = /^\ud800(-?[0-9]+)$/;

function unmark(key, value) {
  if (typeof value !== 'string') return value;
  const found = MARKED.exec(value);
  if (found) return BigInt(found[1]);
  if (/\p{Surrogate}/u.test(value)) throw new SyntaxError('half a character');
  return value;
}

export function parseJson(text) {
  JSON.parse(text); // for what the tokens below would mend, such as 01
  return JSON.parse(text.replace(TOKEN, (token) => (INTEGER.test(token) ? `"\\ud800${token}"` : token)), unmark);
}

export function asJson(value) {
  const text = JSON.stringify(value, (key, each) => (typeof each === 'bigint' ? `${MARK}${each}` : each));
  return text.replace(/"\\ud800(-?[0-9]+)"/g, '$1');
}
