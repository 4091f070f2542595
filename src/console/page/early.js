// Runs before the first paint, so that the page does not change its colours or language under the
// reader's eyes. The rest is in main.js.
{
  const stored = name => {
    try {
      return localStorage.getItem(`tester.${name}`);
    } catch {
      return null; // Storage is switched off: every visit is the first.
    }
  };
  const theme = stored('theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  const locale = stored('locale') ?? (navigator.languages ?? [navigator.language]).find(tag => /^(ko|en)\b/i.test(tag)) ?? 'en';
  document.documentElement.lang = /^ko/i.test(locale) ? 'ko' : 'en';
}
