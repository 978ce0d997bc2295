/** The style of the reference page: light and dark, wide and narrow. */
export const DOCS_STYLE = `
:root { --text: #1d2430; --soft: #566072; --line: #d9dee7; --ground: #ffffff; --panel: #f5f7fa; --link: #1f5fbf; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ef; --soft: #a0aabb; --line: #333b49; --ground: #14181f; --panel: #1c222c; --link: #83b4ff; }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr); color: var(--text); background: var(--ground);
  font: 16px/1.55 system-ui, sans-serif; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 1rem; font-size: 0.9rem;
  border-right: 1px solid var(--line); background: var(--panel); }
nav ul { list-style: none; margin: 0 0 0.75rem; padding: 0 0 0 0.75rem; }
nav p { margin: 0.4rem 0 0.2rem; font-weight: 600; }
.brand small { font-weight: 400; color: var(--soft); }
main { padding: 1.5rem 2rem 4rem; max-width: 64rem; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; }
h1, h2, h3, h4 { line-height: 1.25; }
h2 { margin-top: 2.5rem; padding-bottom: 0.3rem; border-bottom: 1px solid var(--line); }
h4 { margin: 1rem 0 0.4rem; color: var(--soft); }
article { margin: 1.5rem 0 2.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.9em; overflow-wrap: anywhere; }
pre { padding: 0.8rem 1rem; overflow-x: auto; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }
.method { display: inline-block; min-width: 4.2rem; padding: 0.1rem 0.5rem; border: 1px solid currentColor; border-radius: 4px;
  font-size: 0.8rem; text-align: center; }
.get { color: var(--link); } .post { color: #1d7a46; } .patch { color: #9a6200; } .delete { color: #c0392b; }
@media (prefers-color-scheme: dark) { .post { color: #6fd39b; } .patch { color: #f0bd66; } .delete { color: #ff8f82; } }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th, td { padding: 0.35rem 0.6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
td:first-child code { white-space: nowrap; }
em { color: var(--soft); font-size: 0.85em; }
.answers { padding-left: 1.2rem; }
@media (max-width: 48rem) {
  body { display: block; font-size: 15px; }
  nav { position: static; max-height: none; border-right: 0; border-bottom: 1px solid var(--line); }
  nav ul { display: flex; flex-wrap: wrap; gap: 0 0.9rem; padding: 0; }
  main { padding: 1rem; }
}
`;
