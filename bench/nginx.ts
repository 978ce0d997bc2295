/** nginx as a plain proxy, as fast as it honestly goes. */
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Nginx {
  readonly pid: number;
  /** Buffers answers, as nginx does by default: the cheapest for it. */
  readonly port: number;
  /** Passes every piece on at once, as streams need it. */
  readonly streamPort: number;
  stop(): Promise<void>;
}

/** What the output says of the configuration, so that nobody has to guess. */
export const NGINX_SETTINGS =
  '2 workers, keep-alive on both sides, access log off, request bodies kept in memory; ' +
  'answers buffered but for the stream, where proxy_buffering is off (else it would not be one)';

const START_MS_MAX = 5_000;

/** The path of nginx, or null. Debian keeps it where only root looks. */
export function findNginx(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'nginx')).find(isExecutable) ?? null;
}

/** Starts it in a temporary folder of its own. */
export async function startNginx(path: string, upstreamPort: number): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'keyward-bench-nginx-'));
  const [port, streamPort] = [await freePort(), await freePort()];
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration({ folder, port, streamPort, upstreamPort }));
  const child = spawn(path, ['-p', folder, '-c', file, '-e', join(folder, 'error.log')], { stdio: 'inherit' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await waitForPort(streamPort);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, port, streamPort, stop };
}

interface Layout {
  readonly folder: string;
  readonly port: number;
  readonly streamPort: number;
  readonly upstreamPort: number;
}

function configuration({ folder, port, streamPort, upstreamPort }: Layout): string {
  const server = (listen: number, buffering: 'on' | 'off'): string => `
  server {
    listen 127.0.0.1:${listen} reuseport;
    location / {
      proxy_pass http://vendor;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering ${buffering};
    }
  }`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${folder}/${name};`)
    .join('\n');
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 2;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_buffer_size 256k;
${temporary}
  upstream vendor {
    server 127.0.0.1:${upstreamPort};
    keepalive 64;
    keepalive_requests 100000000;
  }
${server(port, 'on')}
${server(streamPort, 'off')}
}
`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us.
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function waitForPort(port: number): Promise<void> {
  const deadline = performance.now() + START_MS_MAX;
  while (performance.now() < deadline) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      setTimeout(() => socket.destroy(), 200).unref();
    });
    if (open) return;
    await sleep(20);
  }
  throw new Error('nginx did not start');
}
