import { createHash } from 'node:crypto';
import { ERRORS } from '../errors.ts';
import { DOCS_STYLE } from './docs-style.ts';
import { objectParts } from './openapi.ts';
import type { JsonSchema, OpenApiDocument, OpenApiOperation } from './openapi.ts';

export interface DocsPage {
  readonly html: string;
  /** Allows the page's own style and nothing else. */
  readonly contentSecurityPolicy: string;
}

interface Listed {
  readonly method: string;
  readonly path: string;
  readonly operation: OpenApiOperation;
}

/** The reference page of an OpenAPI document: one file, no script. */
export function renderDocsPage(document: OpenApiDocument): DocsPage {
  const operations = listOperations(document);
  const { title, version, description } = document.info;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<nav aria-label="Contents">
<p class="brand"><a href="#top">${escape(title)}</a> <small>${escape(version)}</small></p>
${document.tags.map(({ name }) => contents(name, operations)).join('\n')}
<p><a href="#schemas">Schemas</a></p>
<p><a href="#errors">Errors</a></p>
</nav>
<main id="top">
<h1>${escape(title)}</h1>
<p>${escape(description)}</p>
<p>Send an admin token as <code>Authorization: Bearer &lt;token&gt;</code>. The same as a document for programs: <a href="/api/openapi.json">openapi.json</a>.</p>
${document.tags.map(({ name }) => section(name, operations)).join('\n')}
<section id="schemas"><h2>Schemas</h2>
${Object.entries(document.components.schemas)
  .map(([name, schema]) => schemaBlock(name, schema))
  .join('\n')}
</section>
<section id="errors"><h2>Errors</h2>
<p>Error answers are <code>application/problem+json</code> (RFC 9457); <code>code</code> is stable.</p>
${table(['Code', 'Status', 'Meaning'], errorRows())}
</section>
</main>
</body>
</html>
`;
  return { html, contentSecurityPolicy: contentSecurityPolicy() };
}

function contentSecurityPolicy(): string {
  const styleHash = createHash('sha256').update(DOCS_STYLE).digest('base64');
  return `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

function listOperations(document: OpenApiDocument): readonly Listed[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
}

function contents(tag: string, operations: readonly Listed[]): string {
  const links = ofTag(tag, operations).map(
    ({ operation }) => `<li><a href="#${escape(operation.operationId)}">${escape(operation.summary)}</a></li>`,
  );
  return `<p>${escape(tag)}</p><ul>${links.join('')}</ul>`;
}

function section(tag: string, operations: readonly Listed[]): string {
  return `<section><h2>${escape(tag)}</h2>\n${ofTag(tag, operations).map(operationBlock).join('\n')}</section>`;
}

function ofTag(tag: string, operations: readonly Listed[]): readonly Listed[] {
  return operations.filter(({ operation }) => operation.tags.includes(tag));
}

function operationBlock({ method, path, operation }: Listed): string {
  const bodySchema = operation.requestBody?.content['application/json']?.schema;
  return `<article id="${escape(operation.operationId)}">
<h3><span class="method ${method.toLowerCase()}">${method}</span> <code>${escape(path)}</code></h3>
<p><strong>${escape(operation.summary)}.</strong> ${escape(operation.description)} Needs the permission <code>${escape(operation['x-permission'])}</code>.</p>
${parameterTable(operation)}
${bodySchema === undefined ? '' : `<h4>Body</h4>${schemaTable(bodySchema)}`}
<h4>Answers</h4>
<ul class="answers">${Object.entries(operation.responses).map(answerItem).join('')}</ul>
<h4>Example</h4>
<pre tabindex="0"><code>${escape(curlExample(method, path, bodySchema))}</code></pre>
</article>`;
}

function parameterTable({ parameters }: OpenApiOperation): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map((parameter) => [
    `<code>${escape(parameter.name)}</code>${parameter.required ? ' <em>required</em>' : ''}`,
    parameter.in,
    typeText(parameter.schema),
    escape(parameter.description ?? ''),
  ]);
  return `<h4>Parameters</h4>${table(['Name', 'In', 'Type', 'Meaning'], rows)}`;
}

function answerItem([status, { description, content }]: [string, OpenApiOperation['responses'][string]]): string {
  const schema = Object.values(content)[0]?.schema ?? {};
  return `<li><strong>${status}</strong> ${typeText(schema)} ${escape(description).replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</li>`;
}

function schemaBlock(name: string, schema: JsonSchema): string {
  return `<article id="schema-${escape(name)}"><h3><code>${escape(name)}</code></h3>${schemaTable(schema)}</article>`;
}

function schemaTable(schema: JsonSchema): string {
  const rows = fieldRows(schema, '');
  return rows.length === 0 ? `<p>${typeText(schema)}</p>` : table(['Field', 'Type', 'Meaning'], rows);
}

/** One row a field, the fields of inner objects below theirs. */
function fieldRows(schema: JsonSchema, prefix: string): readonly (readonly string[])[] {
  const { properties, required } = objectParts(schema);
  return Object.entries(properties).flatMap(([name, property]) => {
    const mark = required.includes(name) ? ' <em>required</em>' : '';
    const row = [
      `<code>${escape(prefix + name)}</code>${mark}`,
      typeText(property),
      escape(textOf(property['description'])),
    ];
    return [row, ...alternatives(property).flatMap((inner) => fieldRows(inner, `${prefix}${name}.`))];
  });
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const { anyOf } = schema as { anyOf?: readonly JsonSchema[] };
  return anyOf ?? [schema];
}

function typeText(schema: JsonSchema): string {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const name = escape(reference.slice(reference.lastIndexOf('/') + 1));
    return `<a href="#schema-${name}">${name}</a>`;
  }
  if (Array.isArray(schema['anyOf'])) return alternatives(schema).map(typeText).join(' or ');
  if (Array.isArray(schema['enum']))
    return schema['enum'].map((value) => `<code>${escape(String(value))}</code>`).join(' or ');
  const items = objectOf(schema['items']);
  if (items !== null) return `list of ${typeText(items)}`;
  const fallback =
    schema['default'] === undefined ? '' : `, default <code>${escape(JSON.stringify(schema['default']))}</code>`;
  return `${escape(textOf(schema['format']) || textOf(schema['type']) || 'any')}${fallback}`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: unknown): JsonSchema | null {
  return typeof value === 'object' && value !== null ? { ...value } : null;
}

function curlExample(method: string, path: string, body: JsonSchema | undefined): string {
  const lines = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}"$KEYWARD_ADMIN_URL/api/v1${path}"`,
    '  -H "Authorization: Bearer $KEYWARD_ADMIN_TOKEN"',
  ];
  if (body !== undefined)
    lines.push('  -H "Content-Type: application/json"', `  -d '${JSON.stringify(exampleBody(body))}'`);
  return lines.join(' \\\n');
}

/** The required fields, or the first one where none is required. */
function exampleBody(schema: JsonSchema): Record<string, unknown> {
  const { properties, required } = objectParts(schema);
  const names = required.length > 0 ? required : Object.keys(properties).slice(0, 1);
  return Object.fromEntries(names.map((name) => [name, exampleValue(properties[name] ?? {})]));
}

function exampleValue(schema: JsonSchema): unknown {
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  switch (schema['type']) {
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [exampleValue(objectOf(schema['items']) ?? {})];
    default:
      return '…';
  }
}

function errorRows(): readonly (readonly string[])[] {
  return Object.entries(ERRORS).map(([code, { status, title }]) => [
    `<code id="error-${code}">${code}</code>`,
    String(status),
    escape(title),
  ]);
}

/** Cells are HTML. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join('');
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('');
  return `<div class="wide" tabindex="0"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
