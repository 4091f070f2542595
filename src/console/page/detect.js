// Which language a text is most likely written in: by the name of its file, else by what stands in
// it. A guess that the person can overrule; the server parses and has the last word.

const SIGNS = {
  python: [/^[ \t]*def \w+\(.*\)\s*(->.*)?:/m, /^[ \t]*class \w+(\(.*\))?:\s*$/m, /^[ \t]*(from \w[\w.]* )?import \w/m, /^[ \t]*(if|for|while|elif|with|try|except)\b.*:\s*(#.*)?$/m, /\bself\b/, /^[ \t]*#/m],
  java: [/\b(public|private|protected)\s+(static\s+)?(final\s+)?(class|interface|enum|record|void|int|long|double|boolean|String|[A-Z]\w*)\b/, /\bSystem\.out\./, /^[ \t]*import java/m, /^[ \t]*package [\w.]+;/m, /\b(int|double|long|String|List<\w+>)\s+\w+\s*=[^=].*;/],
  typescript: [/\binterface \w+\s*\{/, /^[ \t]*(export )?type \w+(<.*>)?\s*=/m, /[(,]\s*\w+\??:\s*(string|number|boolean|unknown|any|[A-Z]\w*)(\[\]|<.*?>)?\s*[,)=]/, /\)\s*:\s*(string|number|boolean|void|Promise<|[A-Z]\w*)/, /\b(const|let)\s+\w+\s*:\s*\w/, /\bas (const|string|number|unknown|any)\b/],
  javascript: [/\bfunction\*?\s*\w*\s*\(/, /=>/, /\b(const|let|var)\s+[\w{[]/, /\bmodule\.exports\b|\bexport (default|const|function|class)\b/, /===|!==/, /\bconsole\.log\(/],
};

const EXTENSIONS = { py: 'python', js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'javascript', ts: 'typescript', mts: 'typescript', cts: 'typescript', tsx: 'typescript', java: 'java' };

/** Enough to tell; the rest of a long paste is not looked at. */
const LOOKED_AT = 8_000;

/** The language of a file's name, or null. */
export const languageOfFile = name => EXTENSIONS[name.split('.').pop().toLowerCase()] ?? null;

/** The language of a text, or null when nothing points to one. */
export function languageOfText(text) {
  const head = text.slice(0, LOOKED_AT);
  const score = language => SIGNS[language].filter(sign => sign.test(head)).length;
  const scores = { python: score('python'), java: score('java'), javascript: score('javascript'), typescript: score('typescript') };
  // TypeScript is JavaScript and more: what speaks for the one speaks for the other.
  if (scores.typescript > 0) scores.typescript += scores.javascript;
  const [best, points] = Object.entries(scores).sort(([, one], [, other]) => other - one)[0];
  return points > 0 ? best : null;
}
