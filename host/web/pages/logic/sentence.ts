/**
 * The engine's sentences begin small and have no stop: they follow a caret. The name of an option
 * in front stays as it is.
 */
export function sentence(text: string): string {
  const begun = /^[a-z]+\b/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
