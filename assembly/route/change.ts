/** Whether what should be may differ from what is: reconcile.ts looks once for each call. */

let changed: bool = false;

/** Something that routes depend on is another. */
export function noteChange(): void {
  changed = true;
}

/** Whether it is, since this was asked last. */
export function takeChange(): bool {
  const was = changed;
  changed = false;
  return was;
}
