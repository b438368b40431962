// Whether a question has the form that vectors/forms.json gives to its operation (C-5).

const LONGEST = 255;
const SMALLEST = { integer: null, epoch: 1n, major: 10n };

export function formsOf({ operations, shared, patterns }) {
  const expressions = Object.fromEntries(Object.entries(patterns).map(([name, text]) => [name, new RegExp(`^(?:${text})$`, 'u')]));

  function membersFit(value, form) {
    return Object.entries(form).every(([name, inner]) => {
      if (name.startsWith('<')) {
        return Object.entries(value).every(([key, each]) => fits(key, name.slice(1, -1)) && fits(each, inner));
      }
      const key = name.replace(/\?$/, '');
      return Object.hasOwn(value, key) ? fits(value[key], inner) : name.endsWith('?');
    });
  }

  function fits(value, form) {
    if (Array.isArray(form)) return Array.isArray(value) && value.every((each) => fits(each, form[0]));
    if (typeof form === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value) && membersFit(value, form);
    if (form.endsWith('?')) return value === null || fits(value, form.slice(0, -1));
    if (Object.hasOwn(shared, form)) return fits(value, shared[form]);
    if (Object.hasOwn(SMALLEST, form)) {
      return typeof value === 'bigint' && String(value).replace('-', '').length <= LONGEST
        && (SMALLEST[form] === null || value >= SMALLEST[form]);
    }
    if (Object.hasOwn(expressions, form)) {
      return typeof value === 'string' && (form === 'base64' || [...value].length <= LONGEST) && expressions[form].test(value);
    }
    return typeof value === { text: 'string', flag: 'boolean' }[form];
  }

  return (input, operation) => fits(input, operations[operation]);
}
