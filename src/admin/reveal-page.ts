import { createHash } from 'node:crypto';

const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:42rem;margin:4rem auto;padding:0 1rem}
button{font:inherit;padding:.5rem 1rem}pre{padding:1rem;border:1px solid;overflow-wrap:anywhere;white-space:pre-wrap;user-select:all}`;

/**
 * The token stands behind `#`, which no browser sends to a server; it is posted in a body, and only
 * when a person asks: whatever looks at links in advance would use this one up.
 */
const SCRIPT = `const token = location.hash.slice(1);
history.replaceState(null, '', location.pathname);
const say = (text) => { document.getElementById('status').textContent = text; };
const button = document.getElementById('open');
if (token === '') { button.hidden = true; say('This link is incomplete: copy it as a whole.'); }
button.addEventListener('click', async () => {
  button.disabled = true;
  try {
    const response = await fetch('reveal', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }),
    });
    const answer = await response.json();
    if (!response.ok) { say(answer.detail); return; }
    document.getElementById('key').textContent = answer.key;
    document.getElementById('key').hidden = false;
    button.hidden = true;
    say('The key of ' + answer.name + ' (' + answer.fingerprint + '). Store it now: this link is used up.');
  } catch {
    button.disabled = false;
    say('The server could not be reached. Try again.');
  }
});`;

/** The page behind a reveal link: one file, without anything from elsewhere. */
export const REVEAL_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>A key for you</title>
<style>${STYLE}</style>
</head>
<body>
<h1>A key for you</h1>
<p>It is shown once. Have the place ready where you will keep it.</p>
<button id="open" type="button">Show the key</button>
<p id="status" role="status"></p>
<pre id="key" hidden></pre>
<script>${SCRIPT}</script>
</body>
</html>
`;

/** Allows the page's own style and script, and a call to this server. */
export const REVEAL_CSP = `default-src 'none'; style-src '${hashOf(STYLE)}'; script-src '${hashOf(SCRIPT)}'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
