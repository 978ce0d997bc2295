/**
 * The caller's query as it may go upstream, with `?` in front, or the empty string. A member named
 * `key` is where Google's API takes a credential: the caller's own never leaves the gateway.
 */
export function keptQuery(query: string): string {
  if (query === '') return '';
  const kept = query.split('&').filter((member) => member !== '' && !namesKey(member));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

function namesKey(member: string): boolean {
  const [name = ''] = member.split('=', 1);
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).trim().toLowerCase() === 'key';
  } catch {
    // Not valid percent-encoding: the provider's reading of it is unknown, so it does not go there.
    return true;
  }
}
