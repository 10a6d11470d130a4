// The slash commands that are offered, a subcommand each a line of its own.
const NESTED = new Set([1, 2]);

/** [{path, description, options}] in the order of their names; `path` is as typed, without the slash. */
export function flattened(commands) {
  const found = [];
  const walk = (node, path) => {
    const inner = (node.options || []).filter((option) => NESTED.has(option.type));
    if (inner.length) for (const option of inner) walk(option, `${path} ${option.name}`);
    else found.push({ path, description: node.description, options: node.options || [] });
  };
  for (const command of commands) if (command.type === 1) walk(command, command.name);
  return found.sort((one, other) => one.path.localeCompare(other.path));
}

/** Commands that fit what was typed behind the slash: those that begin so first, then those that hold it. */
export function fitting(commands, typed) {
  const words = typed.toLowerCase().replace(/\s+/g, " ");
  const begin = commands.filter((command) => command.path.startsWith(words));
  const hold = commands.filter(
    (command) => !command.path.startsWith(words) && command.path.includes(words.trim()),
  );
  return [...begin, ...hold];
}

/** The command that `typed` names whole, with the rest of the text: "imagine a cat" -> imagine, "a cat". */
export function called(commands, typed) {
  const long = [...commands].sort((one, other) => other.path.length - one.path.length);
  const command = long.find((one) => typed.toLowerCase().startsWith(`${one.path} `));
  return command ? { command, rest: typed.slice(command.path.length + 1) } : null;
}
