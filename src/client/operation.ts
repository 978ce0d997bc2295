/** One operation of the admin API, as client and CLI need it at run time. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api/v1`, parameters as `:name`. */
  readonly path: `/${string}`;
  /** Names of the path parameters, in order. */
  readonly params: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly cli: CliForm | null;
  readonly flags: readonly Flag[];
}

export interface CliForm {
  /** For example `keys create`. */
  readonly verb: string;
  /** The columns of a list; null where one thing is answered. */
  readonly columns: readonly string[] | null;
}

/** A leaf of query or body, as a flag of the command line. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  readonly in: 'query' | 'body';
  /** Where the value goes, for example `['limits', 'concurrency']`. */
  readonly path: readonly string[];
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'strings' | 'json';
  readonly required: boolean;
  /** Whether `none` clears it. */
  readonly nullable: boolean;
  /** The only values it takes; null where it takes others. */
  readonly values: readonly string[] | null;
  readonly description: string;
  /** Never given as an argument, where other users of the machine could see it. */
  readonly secret: boolean;
}
