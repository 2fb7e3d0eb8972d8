/**
 * As much of LuCI as its pages need to be evaluated and rendered here: modules, elements, forms.
 * A stand-in: it shows that the pages run, and what they come to, not how LuCI draws them.
 */
import * as fs from "node:fs";
import * as path from "node:path";

const RESOURCES = "host/openwrt/luci-app-rekeyd/htdocs/luci-static/resources";

export type Child = Element | string | number | null | undefined | Child[];

export class Element {
  children: Child[] = [];
  disabled = false;

  constructor(
    readonly tag: string,
    readonly attributes: Record<string, unknown>,
    children: Child,
  ) {
    this.children = flat(children);
  }

  /** The browser's own: a string is text to it. */
  replaceChildren(...children: Child[]): void {
    this.children = children;
  }

  scrollIntoView(): void {}

  /** All elements of a kind, in order. */
  all(tag: string): Element[] {
    const below = this.children.flatMap((child) =>
      child instanceof Element ? child.all(tag) : [],
    );
    return this.tag === tag ? [this, ...below] : below;
  }

  get text(): string {
    return this.children
      .map((child) => (child instanceof Element ? child.text : String(child)))
      .join("");
  }

  /** The button or field with this text or label. */
  find(tag: string, label: string): Element {
    const found = this.all(tag).find((each) => each.text.trim() === label);
    if (found === undefined) throw new Error(`there is no ${tag} '${label}' in: ${this.text}`);
    return found;
  }

  click(): unknown {
    return (this.attributes["click"] as (event: object) => unknown)({ currentTarget: this });
  }
}

/** What LuCI makes of them: text, if they stand in an array; a string alone would become HTML. */
function flat(children: Child): Child[] {
  if (children === undefined || children === null) return [];
  if (!Array.isArray(children) && !(children instanceof Element)) {
    throw new Error(`LuCI reads '${children}' as HTML: write it as [text]`);
  }
  const list = Array.isArray(children) ? children : [children];
  return list.map((child) => (child instanceof Element ? child : String(child)));
}

/** What a form's map is made of: what the pages have set on it. */
export interface Option {
  kind: string;
  name: string;
  title: string;
  [key: string]: unknown;
}

export interface Page {
  load: () => Promise<unknown>;
  render: (loaded: unknown) => Element | Promise<Element>;
  handleSave: (event: unknown) => Promise<unknown>;
  handleSaveApply: (event: unknown, mode: string) => Promise<unknown>;
}

export interface Luci {
  page: (name: string) => Page;
  /** Calls on ubus, in order. */
  calls: [string, unknown[]][];
  /** What was done with uci, and by the page's own buttons. */
  done: string[];
  options: Option[];
  /** Runs what is polled, once. */
  poll: () => Promise<unknown>;
}

type Answer = (method: string, ...args: unknown[]) => unknown;

/** A LuCI whose rpcd answers so. */
export function luci(answer: Answer): Luci {
  const world: Omit<Luci, "page" | "poll"> = { calls: [], done: [], options: [] };
  const polled: (() => unknown)[] = [];
  const modules = libraries(world, answer, polled);
  const load = (name: string): Record<string, unknown> => {
    modules[name] ??= evaluate(name, load);
    return modules[name];
  };
  return {
    ...world,
    page: (name) => load(`view.rekeyd.${name}`) as unknown as Page,
    poll: () => Promise.all(polled.map((run) => run())),
  };
}

/** Runs a file as LuCI does: a function, whose `require` lines are its variables. */
function evaluate(
  name: string,
  load: (name: string) => Record<string, unknown>,
): Record<string, unknown> {
  const file = path.join(RESOURCES, `${name.replaceAll(".", "/")}.js`);
  const source = fs.readFileSync(file, "utf8");
  const required = [...source.matchAll(/^"require ([\w.]+)";$/gm)].map(([, module]) => module!);
  const names = required.map((module) => module.replaceAll(".", "_"));
  const make = new Function("E", "_", "L", ...names, source) as (...args: unknown[]) => never;
  return make(element, (text: string) => text, SESSION, ...required.map(load));
}

const SESSION = { hasViewPermission: () => true };

function element(tag: string, attributes?: unknown, children?: Child): Element {
  const is_children = Array.isArray(attributes) || typeof attributes === "string";
  return is_children
    ? new Element(tag, {}, attributes as Child)
    : new Element(tag, (attributes ?? {}) as Record<string, unknown>, children);
}

function libraries(
  world: Omit<Luci, "page" | "poll">,
  answer: Answer,
  polled: (() => unknown)[],
): Record<string, Record<string, unknown>> {
  const extend = (members: object): object => members;
  return {
    baseclass: { extend },
    view: {
      extend: (members: Record<string, unknown>) => ({
        super: (method: string) => {
          world.done.push(method);
          return Promise.resolve();
        },
        ...members,
      }),
    },
    rpc: {
      declare: ({ method, params = [] }: { method: string; params?: string[] }) => {
        return (...args: unknown[]): Promise<unknown> => {
          if (args.length > params.length) throw new Error(`${method} has too many arguments`);
          world.calls.push([method, args]);
          return Promise.resolve(answer(method, ...args));
        };
      },
    },
    dom: { content: (node: Element, children: Child) => (node.children = flat(children)) },
    poll: { add: (run: () => unknown) => polled.push(run) },
    ui: { changes: { apply: (checked: boolean) => world.done.push(`apply ${checked}`) } },
    uci: {
      load: () => Promise.resolve(),
      get: () => null,
      set: (...words: string[]) => world.done.push(`set ${words.join(" ")}`),
      unset: (...words: string[]) => world.done.push(`unset ${words.join(" ")}`),
    },
    validation: {
      parseIPv4: (text: string) => (/^\d+\.\d+\.\d+\.\d+$/.test(text) ? [] : null),
      parseIPv6: (text: string) => (/^[0-9a-f:]*:[0-9a-f:]*$/.test(text) ? [] : null),
    },
    form: formLibrary(world.options),
  };
}

/** Sections and options are remembered, with all that is set on them. */
function formLibrary(options: Option[]): Record<string, unknown> {
  const kinds = ["Value", "Flag", "DynamicList", "DummyValue", "NamedSection", "GridSection"];
  class Section {
    tab(): void {}

    option(kind: string, name: string, title: string): Option {
      const made: Option = { kind, name, title, values: [], needs: {} };
      made["value"] = (value: string) => (made["values"] as string[]).push(value);
      made["depends"] = (on: string, value: string) =>
        ((made["needs"] as Record<string, string>)[on] = value);
      options.push(made);
      return made;
    }

    taboption(_tab: string, kind: string, name: string, title: string): Option {
      return this.option(kind, name, title);
    }
  }
  class Map {
    section(): Section {
      return new Section();
    }

    render(): Promise<Element> {
      return Promise.resolve(new Element("form", {}, []));
    }
  }
  return { Map, ...Object.fromEntries(kinds.map((kind) => [kind, kind])) };
}

/** `'%d ms'.format(3)`, which LuCI adds to strings. */
Object.defineProperty(String.prototype, "format", {
  value(this: string, ...values: unknown[]): string {
    let at = 0;
    return this.replace(/%(?:\.\d)?([dsft%])/g, (_whole, kind: string) =>
      kind === "%" ? "%" : String(values[at++]),
    );
  },
});
