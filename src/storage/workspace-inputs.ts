import type { Store } from '../admin/stores.ts';
import type { WorkspaceInput } from '../config/compile.ts';

/** What the snapshot is compiled from, oldest workspace first; each workspace as of one moment. Holds secrets. */
export async function readWorkspaceInputs(store: Store): Promise<readonly WorkspaceInput[]> {
  const inputs: WorkspaceInput[] = [];
  for (const workspace of await store.workspaces.list()) {
    const input = await store.workspace(workspace.id).transaction(async (tx) => ({
      workspace,
      applications: await tx.applications.all(),
      providers: await tx.providers.all(),
      credentials: await tx.credentials.secrets(),
      aliases: await tx.aliases.all(),
    }));
    inputs.push(input);
  }
  return inputs;
}
