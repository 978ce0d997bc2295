#!/usr/bin/env node
// Plain JavaScript without newer syntax, so that an old Node can still say that it is too old.
import { existsSync } from 'fs';
import * as nodeModule from 'module';
import { fileURLToPath } from 'url';

const NODE_MAJOR_MIN = 24;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `keyward: needs Node ${NODE_MAJOR_MIN} or newer, but this is Node ${process.versions.node}. ` +
      'In a clone, start it through npm ("npm start", "npm run -s keyward -- …"), which brings the right Node; elsewhere install Node 24.\n',
  );
  process.exitCode = 1;
} else {
  nodeModule.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/keyward', import.meta.url)));
  const source = new URL('../src/cli/main.ts', import.meta.url);
  const built = new URL('../dist/cli/main.js', import.meta.url);
  import(existsSync(fileURLToPath(source)) ? source.href : built.href)
    .then(({ runAsProcess }) => runAsProcess())
    .catch((error) => {
      process.stderr.write(`keyward: ${error && error.message}\n`);
      process.exitCode = 1;
    });
}
