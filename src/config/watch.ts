import { hash } from 'node:crypto';
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { loadConfig } from './load.ts';
import type { ConfigResult } from './load.ts';

export interface WatchConfigOptions {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told after every change: the new content, or its mistakes. The same outcome is not told twice running. */
  readonly onChange: (result: ConfigResult) => void;
  /** Told when changes can no longer be noticed. */
  readonly onError: (error: Error) => void;
  /** Editors write in several steps: how long it must be quiet. */
  readonly quietMs?: number;
}

/**
 * Watches a configuration file by its folder, because editors and config maps replace the file
 * rather than write into it. Keeps no configuration: what is in force is the caller's business.
 */
export function watchConfig({ path, env, onChange, onError, quietMs = 100 }: WatchConfigOptions): { stop(): void } {
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;

  const reload = () => {
    timer = null;
    const result = loadConfig(path, env);
    const outcome = digest(result);
    if (outcome === told) return;
    told = outcome;
    onChange(result);
  };
  const onEvent = () => {
    if (stopped) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(reload, quietMs);
    timer.unref();
  };

  const watcher = openWatcher(dirname(resolve(path)), onEvent, onError);
  let told = digest(loadConfig(path, env));
  return {
    stop: () => {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      watcher?.close();
    },
  };
}

/** Tells outcomes apart without keeping the secrets in them. */
function digest(result: ConfigResult): string {
  return hash('sha256', JSON.stringify(result));
}

function openWatcher(folder: string, onEvent: () => void, onError: (error: Error) => void): FSWatcher | null {
  const fail = (cause: unknown) =>
    onError(new Error('changes of the configuration file are no longer noticed until the next start', { cause }));
  try {
    // Any name in the folder counts: a config map changes the link behind the file, not the file.
    const watcher = watch(folder, { persistent: false }, onEvent);
    watcher.on('error', fail);
    return watcher;
  } catch (error) {
    fail(error);
    return null;
  }
}
