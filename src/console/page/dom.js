// The few things of the DOM that every part of the page needs.

/** The element with this id. Its absence is a bug of the page, so it is not checked for. */
export const $ = id => document.getElementById(id);

/**
 * A new element. Children are nodes or text: text never becomes HTML.
 * @param {string} name
 * @param {Record<string, unknown>} properties set on the element; `dataset` key by key
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  const { dataset, ...rest } = properties;
  Object.assign(element, rest);
  Object.assign(element.dataset, dataset);
  element.append(...children);
  return element;
}

/** What is stored under a name in this browser, or in this tab alone. Storage can be switched off or full. */
function shelf(area) {
  return {
    read(name) {
      try {
        return JSON.parse(area().getItem(`tester.${name}`));
      } catch {
        return null;
      }
    },
    write(name, value) {
      try {
        if (value === null) area().removeItem(`tester.${name}`);
        else area().setItem(`tester.${name}`, JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
  };
}

export const browserShelf = shelf(() => localStorage);
export const tabShelf = shelf(() => sessionStorage);

/** A function that runs `ms` after it was last asked to. */
export function debounced(ms, run) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
}
