// Programs that come as files: chosen, or dropped onto the editor.

import { languageOfFile } from './detect.js';
import { $ } from './dom.js';
import { number, say } from './messages.js';
import { hush, tell } from './notices.js';

/**
 * @param {number} maxChars longer files are refused before they are read
 * @param {(text: string, language: string|null) => void} open takes a file's text
 */
export function setUpFiles(maxChars, open) {
  const take = async file => {
    // At most four bytes a character in UTF-8.
    if (file.size > 4 * maxChars) return tell('FILE_SIZE', say('problem_FILE_SIZE', { max: number(maxChars) }));
    const text = await textOf(file);
    if (text === null) return tell('FILE_TYPE', say('problem_FILE_TYPE'));
    hush();
    return open(text.replaceAll('\r\n', '\n'), languageOfFile(file.name));
  };
  $('file-open').addEventListener('click', () => $('file').click());
  $('file').addEventListener('change', () => {
    const [file] = $('file').files;
    $('file').value = '';
    if (file !== undefined) take(file);
  });
  const zone = $('write');
  const carriesFile = event => event.dataTransfer?.types.includes('Files') ?? false;
  zone.addEventListener('dragover', event => {
    if (carriesFile(event)) zone.classList.add('dropping');
  });
  zone.addEventListener('dragleave', event => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove('dropping');
  });
  zone.addEventListener('drop', event => {
    zone.classList.remove('dropping');
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) take(file);
  });
  // Anywhere else as well: a file that is dropped beside the zone would make the browser leave.
  for (const type of ['dragover', 'drop']) addEventListener(type, event => carriesFile(event) && event.preventDefault());
}

/** The text of a file, or null when it is none. */
async function textOf(file) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}
