// How a scenario's expectation is compared with an answer, and how what was saved is filled in:
// the reading of `scenarios/README.md` in JavaScript.

/** A value with what was saved in the places of its names. */
export function fill(value, saved) {
  if (typeof value === 'string') return fillText(value, saved);
  if (Array.isArray(value)) return value.map((item) => fill(item, saved));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, fill(it, saved)]));
}

function fillText(text, saved) {
  const whole = text.match(/^\$([A-Za-z_]\w*)$/);
  if (whole) return get(whole[1], saved);
  return text.replace(/\$\{([A-Za-z_]\w*)\}/g, (_, name) => {
    const value = get(name, saved);
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

function get(name, saved) {
  if (!saved.has(name)) throw new Error(`nothing was saved as \`${name}\``);
  return saved.get(name);
}

/** The part of an answer at a path such as `items.0.id`. */
export function part(answer, path) {
  const found = path.split('.').filter(Boolean).reduce((value, step) => value?.[step], answer);
  if (found === undefined) throw new Error(`the answer has no \`${path}\` to be saved`);
  return found;
}

/** The first place where the answer is not as expected; nothing where it is. */
export function difference(expected, answer, path = '') {
  const differs = `${path || 'the answer'} is ${JSON.stringify(answer)}, not ${JSON.stringify(expected)}`;
  if (expected === null) return answer == null ? undefined : differs;
  if (expected === '<any>') return answer == null ? differs : undefined;
  if (typeof expected !== 'object') return expected === answer ? undefined : differs;
  if (Array.isArray(expected)) {
    if (!Array.isArray(answer) || answer.length !== expected.length) return differs;
    return first(expected, (item, place) => difference(item, answer[place], join(path, place)));
  }
  const names = Object.keys(expected);
  if (names.length === 1 && names[0] === '<length>') {
    return Array.isArray(answer) && answer.length === expected['<length>'] ? undefined : differs;
  }
  if (names.length === 1 && names[0] === '<contains>') {
    const there = (wanted) => answer.some((item) => difference(wanted, item) === undefined);
    return Array.isArray(answer) && expected['<contains>'].every(there) ? undefined : differs;
  }
  if (answer === null || typeof answer !== 'object' || Array.isArray(answer)) return differs;
  return first(names, (name) => difference(expected[name], answer[name], join(path, name)));
}

function first(items, look) {
  for (const [place, item] of items.entries()) {
    const found = look(item, place);
    if (found !== undefined) return found;
  }
  return undefined;
}

function join(path, name) {
  return path ? `${path}.${name}` : String(name);
}
