import { z } from 'zod';
import { none, readEndpoint } from '../contract.ts';

/**
 * The forms of a key, in the syntax that RE2 and Go know: kind, environment, id, secret, checksum; a
 * delegated key is kind, id, and a JWS whose signature has 64 bytes. A test holds it to keys as they
 * are made.
 */
export const LEAKED_KEY_PATTERN = String.raw`\b(?:kw[akt]_(?:live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}|kwd_[0-9A-Za-z]{12}_[0-9A-Za-z_-]{20,200}\.[0-9A-Za-z_-]{20,}\.[0-9A-Za-z_-]{85}[AQgw])\b`;

const KEYWORDS = ['kwk_live_', 'kwk_test_', 'kwt_live_', 'kwt_test_', 'kwa_live_', 'kwa_test_', 'kwd_'];

const GITLEAKS = `# gitleaks: add to .gitleaks.toml, or use with --config
title = "Keyward"

[[rules]]
id = "keyward-api-key"
description = "Keyward API key"
regex = '''${LEAKED_KEY_PATTERN}'''
keywords = [${KEYWORDS.map((word) => `"${word}"`).join(', ')}]
`;

const TRUFFLEHOG = `# TruffleHog: trufflehog filesystem . --config keyward.yaml
detectors:
  - name: KeywardApiKey
    keywords:
      - kwk_
      - kwt_
      - kwa_
      - kwd_
    regex:
      key: '${LEAKED_KEY_PATTERN}'
`;

const show = readEndpoint({
  id: 'leak-rules.show',
  method: 'GET',
  path: '/leak-rules',
  permission: 'status:read',
  summary: 'Show rules for scanners',
  description: 'Rules that find keys of Keyward in code and logs: for gitleaks (TOML) and TruffleHog (YAML).',
  cli: { verb: 'keys leak-rules' },
  params: none,
  query: none,
  response: z
    .object({
      pattern: z.string().describe('The form of a key, as a regular expression for any scanner.'),
      gitleaks: z.string().describe('TOML.'),
      trufflehog: z.string().describe('YAML.'),
    })
    .meta({ id: 'LeakRules' }),
  handler: async () => ({ pattern: LEAKED_KEY_PATTERN, gitleaks: GITLEAKS, trufflehog: TRUFFLEHOG }),
});

export const leakRules = [show] as const;
