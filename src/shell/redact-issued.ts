// Keys as their issuers write them: a prefix that says whose it is, then random characters. Recognised
// wherever they stand. Lengths are lower bounds below the published ones, so that a key that was cut is
// taken out too. Data only.

import type { SecretPattern } from './redact-reference.ts'

const SHAPES = [
  // Amazon, Google, Microsoft.
  '(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|ANVA)[A-Z0-9]{12,}',
  'AIza[A-Za-z0-9_-]{20,}',
  'ya29\\.[A-Za-z0-9_.-]{20,}',
  'GOCSPX-[A-Za-z0-9_-]{10,}',
  '1//0[A-Za-z0-9_-]{20,}',
  // GitHub, GitLab, Atlassian.
  'gh[pousr]_[A-Za-z0-9]{20,}',
  'github_pat_[A-Za-z0-9_]{20,}',
  'gl(?:pat|ptt|dt|rt|cbt|ft|soat|imt|agent|oas)-[A-Za-z0-9_.-]{15,}',
  'ATATT[A-Za-z0-9_=-]{16,}',
  // Slack, Discord, Telegram.
  'xox[a-z]-[A-Za-z0-9-]{10,}',
  'xapp-[A-Za-z0-9-]{10,}',
  'https://hooks\\.slack\\.com/(?:services|workflows)/[A-Za-z0-9/_-]{8,}',
  'https://(?:\\w{1,20}\\.)?discord(?:app)?\\.com/api/webhooks/[A-Za-z0-9/_-]{8,}',
  '[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}',
  // Payments.
  '(?:sk|pk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}',
  'whsec_[A-Za-z0-9+/=]{10,}',
  'shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{16,}',
  // Registries of packages and images.
  'npm_[A-Za-z0-9]{20,}',
  'pypi-[A-Za-z0-9_-]{16,}',
  'rubygems_[a-f0-9]{16,}',
  'dckr_pat_[A-Za-z0-9_-]{16,}',
  // Models.
  'sk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{16,}',
  'hf_[A-Za-z0-9]{16,}',
  'r8_[A-Za-z0-9]{16,}',
  'gsk_[A-Za-z0-9]{16,}',
  // Hosting and infrastructure.
  'nf[pcob]_[A-Za-z0-9]{16,}',
  'pul-[A-Za-z0-9]{16,}',
  'do[por]_v1_[a-f0-9]{16,}',
  'hv[sbr]\\.[A-Za-z0-9_-]{16,}',
  'atlasv1\\.[A-Za-z0-9_-]{16,}',
  'tskey-[a-z]{1,20}-[A-Za-z0-9-]{10,}',
  '(?:sbp|sb_secret|figd|fo1|FlyV1|vercel|pscale_tkn|pscale_pw|ntn|secret)_[A-Za-z0-9_.-]{16,}',
  'dp\\.(?:pt|st|ct|sa|scim)\\.[A-Za-z0-9._-]{16,}',
  // Mail, telephones, monitoring.
  'SG\\.[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]{10,}',
  'key-[a-f0-9]{20,}',
  '(?:AC|SK)[a-f0-9]{32}(?![a-f0-9])',
  'glsa_[A-Za-z0-9_]{16,}',
  'lin_(?:api|oauth)_[A-Za-z0-9]{16,}',
  'sntr[yu]s_[A-Za-z0-9+/=_-]{16,}',
  '(?:PMAK|NRAK|NRII|FLWSECK|AGE-SECRET-KEY)-[A-Za-z0-9-]{10,}',
  // JSON Web Tokens (RFC 7519): base64url of an object begins with eyJ.
  '(?<![+/])eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]{2,}){0,4}\\.?'
]

export const ISSUED: readonly SecretPattern[] = SHAPES.map((shape) => ({
  pattern: new RegExp(`(?<before>(?<![A-Za-z0-9]))(?<secret>${shape})`, 'g')
}))
