import { compile, declaredBy } from '../config/compile.ts';
import type { WorkspaceInput } from '../config/compile.ts';
import { keyLifeSettings } from '../config/key-life-settings.ts';
import type { KeyLifeSettings } from '../config/key-life-settings.ts';
import { leakSettings } from '../config/leak-settings.ts';
import type { LeakSettings } from '../config/leak-settings.ts';
import type { ConfigResult } from '../config/load.ts';
import type { ParsedConfig } from '../config/schema.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { Clock } from '../lib/clock.ts';
import type { Catalogue } from '../providers/catalogue/catalogue.ts';
import { loadOwners } from './load-owners.ts';
import type { ConfigFilePort, ConfigFileStatus, Receipt, SnapshotSource } from './ports.ts';
import type { Store } from './stores.ts';

export interface SnapshotPublisherOptions {
  readonly store: Store;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly file: ParsedConfig | null;
  readonly filePath: string;
  readonly warn: (sentence: string) => void;
  /** What is known of models; it is told which source the file names. */
  readonly modelCatalogue: { readonly models: Catalogue; follow(source: string | null): void };
  /** Hands a snapshot to the data plane. */
  readonly send: (snapshot: Snapshot) => Promise<Receipt>;
}

/**
 * Compiles the operator's file and the store into snapshots and hands them over, one after the
 * other, so that a later one never holds older data. A file with mistakes changes nothing.
 */
export class SnapshotPublisher implements ConfigFilePort, SnapshotSource {
  readonly #options: SnapshotPublisherOptions;
  #file: ParsedConfig | null;
  #fileStatus: ConfigFileStatus;
  #current: Snapshot | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: SnapshotPublisherOptions) {
    this.#options = options;
    this.#file = options.file;
    options.modelCatalogue.follow(options.file?.catalogue?.source ?? null);
    this.#fileStatus = {
      path: options.file === null ? null : options.filePath,
      state: options.file === null ? 'absent' : 'applied',
      appliedAtMs: options.file === null ? null : options.clock.now(),
      errors: [],
    };
  }

  /** Compiles what is there now, without handing it over: the workers start with it. */
  async first(): Promise<Snapshot> {
    return this.#compile();
  }

  publish(): Promise<Receipt> {
    const published = this.#queue.then(async () => this.#options.send(await this.#compile()));
    this.#queue = published.catch(() => undefined); // the next one does not depend on this one's luck
    return published;
  }

  /** Takes the file's new content, or keeps the old one and remembers the mistakes. */
  async applyFile(result: ConfigResult): Promise<void> {
    const path = this.#options.filePath;
    if (!result.ok) {
      this.#fileStatus = { path, state: 'rejected', appliedAtMs: this.#fileStatus.appliedAtMs, errors: result.errors };
      return;
    }
    this.#file = result.config;
    this.#options.modelCatalogue.follow(result.config.catalogue?.source ?? null);
    await this.publish();
    this.#fileStatus = { path, state: 'applied', appliedAtMs: this.#options.clock.now(), errors: [] };
  }

  current(): Snapshot {
    if (this.#current === null) throw new Error('no snapshot was compiled yet');
    return this.#current;
  }

  status(): ConfigFileStatus {
    return this.#fileStatus;
  }

  declaresProvider(providerId: string): boolean {
    return declaredBy(this.#file).providers.includes(providerId);
  }

  declaresAlias(alias: string): boolean {
    return declaredBy(this.#file).aliases.includes(alias);
  }

  /** What the file that is in force says about the life of keys. */
  keyLife(): KeyLifeSettings {
    return keyLifeSettings(this.#file);
  }

  /** Who may report leaked keys, by the same file. */
  leaks(): LeakSettings {
    return leakSettings(this.#file);
  }

  async #compile(): Promise<Snapshot> {
    const { store, env, clock, modelCatalogue } = this.#options;
    const rows = await store.workspaces.list();
    const workspaces: WorkspaceInput[] = [];
    for (const row of rows) {
      const workspace = store.workspace(row.id);
      workspaces.push({
        workspace: row,
        ...(await loadOwners(workspace)),
        providers: await workspace.providers.all(),
        credentials: await workspace.credentials.secrets(),
        aliases: await workspace.aliases.all(),
        catalogue: await workspace.catalogue.all(),
      });
    }
    // By the clock, so that versions also rise over restarts.
    const version = Math.max(clock.now(), (this.#current?.version ?? 0) + 1);
    const nowMs = clock.now();
    const { snapshot, warnings, newNames } = compile({
      ...{ version, nowMs, file: this.#file, env, workspaces },
      catalogue: modelCatalogue.models,
    });
    // Before it is used: a name must never look newer later than it did when a scope was set.
    for (const [id, names] of Object.entries(newNames)) {
      if (names.length > 0) await store.workspace(id).catalogue.add(names, nowMs);
    }
    for (const warning of warnings) this.#options.warn(warning);
    this.#current = snapshot;
    return snapshot;
  }
}
