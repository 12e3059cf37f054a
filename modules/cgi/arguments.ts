// Which arguments has a program? A CGI program the words of a query without `=` (RFC 3875 §4.4), others what the configuration says.

/** Characters that a shell would see something in: a program may hand its arguments to one. */
const SHELL = /[&;`'"|*?~<>^()[\]{}$\\\n]/g;
/** More words are none. */
const MOST = 1000;

/** `text` with a backslash before each of them. */
export function shellEscaped(text: string): string {
  return text.replace(SHELL, "\\$&");
}

function unescaped(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch (error) {
    if (error instanceof URIError) return word;
    throw error;
  }
}

/** The arguments for `query`. */
export function argumentsOf(query: string): string[] {
  if (query === "" || query.includes("=")) return [];
  // An argument cannot hold a NUL: the words end there, as strings of C do.
  return query.split("+").slice(0, MOST).map((word) => shellEscaped(unescaped(word).split("\0", 1)[0]));
}

/** The words of a command, without the quotes around them; a backslash takes its meaning from a blank or a quote. */
export function commandWords(text: string): string[] {
  const words: string[] = [];
  let rest = text.trimStart();
  while (rest !== "") {
    const found = /^"((?:[^"\\]|\\[^])*)"?/.exec(rest) ?? /^'((?:[^'\\]|\\[^])*)'?/.exec(rest) ??
      /^((?:[^\s\\]|\\[^])+|\\)/.exec(rest)!;
    words.push(found[1].replace(/\\([\s"'\\])/g, "$1"));
    rest = rest.slice(found[0].length).trimStart();
  }
  return words;
}
