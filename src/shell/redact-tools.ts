// Flags and arguments of single tools that take a secret without a name that says so: `mysql -pSECRET`,
// `curl -u user:SECRET`, a password piped into a login. Facts of the tools' own manuals. Data only.

import { isPathOrReference, isReference, type SecretPattern } from './redact-reference.ts'

/** Words between a tool and its flag, inside one simple command; bounded so that time stays linear. */
const BETWEEN = '[^\\n|;]{0,300}?'
const WORD = `(?:"[^"]*"?|'[^']*'?|[^\\s;|&"']+)`

function tool(tools: string, before: string, secret = WORD): SecretPattern {
  const pattern = `(?<before>\\b(?:${tools})\\b${BETWEEN}${before})(?<secret>${secret})`
  return { pattern: new RegExp(pattern, 'g'), unless: (text) => isPathOrReference(text) }
}

/** Tools by the flag that takes the password. */
const PASSWORD_FLAGS: readonly (readonly [string, string])[] = [
  ['redis-cli', '-a'],
  ['zip|zipcloak|unzip|sqlcmd|ipmitool', '-P'],
  ['7za?|rar|unrar', '-p'],
  ['ldap(?:search|add|modify|delete|whoami)', '-w'],
  [
    'sshpass|mongo(?:sh|dump|restore|export|import)?|winrm|evil-winrm|cqlsh|isql|twine upload',
    '-p'
  ],
  ['(?:docker|podman|helm registry|skopeo|buildah|crane auth|az|oc) login', '-p'],
  ['keytool', '-(?:store|key)pass'],
  ['htpasswd|pg_basebackup|vncviewer', '-w']
]

const LOGINS = [
  'vault login|cf auth \\S{1,60}|ngrok (?:config add-)?authtoken|op signin|bw unlock|bw login \\S{1,60}',
  'wrangler login|heroku auth:token|gh auth token|stripe login -i|railway login|doctl auth init -t'
].join('|')

/** Programs that read a secret from standard input. */
const READERS = [
  'sudo\\s+-S|docker login|podman login|gh auth login|glab auth login|passwd|chpasswd|openssl|su\\b',
  'gpg|kinit',
  'vault|base64|wrangler secret|helm registry login|crane auth login|npm login|skopeo login',
  'kubectl create secret',
  'cryptsetup|ssh-add|smbpasswd|htpasswd|pass insert|az login|flyctl secrets|fly secrets'
].join('|')

export const TOOLS: readonly SecretPattern[] = [
  tool(
    'curl|wget|http|https|xh|aria2c|svn|restic|rclone',
    '\\s(?:-u|--user|--proxy-user|-U|-a|--auth)[= ]?\\s{0,3}["\']?[^\\s:"\']{1,100}:',
    '[^\\s"\']+'
  ),
  tool('mysql(?:dump|admin|import|check|show)?|mariadb(?:-\\w{1,10})?|mycli', '\\s-p', WORD),
  ...PASSWORD_FLAGS.map(([tools, flag]) => tool(tools, `\\s${flag}\\s{0,3}`, `(?![=-])${WORD}`)),
  {
    pattern: new RegExp(
      `(?<before>\\bopenssl\\b${BETWEEN}\\s-(?:pass|passin|passout|k|K|iv)\\s{1,3}["']?(?:pass:)?)` +
        '(?<secret>[^\\s"\']+)',
      'g'
    ),
    unless: (secret) => /^(?:(?:file|env|fd):|stdin$)/.test(secret) || isReference(secret)
  },
  tool('ssh-keygen', '\\s-[NP]\\s{0,3}', `"[^"]+"?|'[^']+'?|[^\\s;|&"'-][^\\s;|&]*`),
  tool('htpasswd', '\\s-[A-Za-z]{0,6}b[A-Za-z]{0,6}\\s(?:[^\\s|;]{1,100}\\s{1,3}){2}', '\\S+'),
  tool('xfreerdp|rdesktop|net use|cmdkey', '\\s/p(?:ass)?:', '\\S+'),
  tool('smbclient|rpcclient|smbmap|mount|mount\\.cifs', '\\s-U\\s{0,3}[^\\s%]{1,60}%', '[^\\s,]+'),
  tool('nmcli|wpa_passphrase|iw', '\\s(?:password|wpa-psk|psk)\\s{1,3}'),
  tool('wpa_passphrase', '\\s\\S{1,40}\\s{1,3}'),
  tool('snmpwalk|snmpget|snmpset', '\\s-[AXc]\\s{0,3}'),
  tool(LOGINS, '[ =]\\s{0,3}', `(?!-)${WORD}`),
  tool('tailscale|netlify', '\\s(?:--auth-?key|--auth)[ =]'),
  tool(
    '(?:config|configure|secrets?|env|variable|param)[ :](?:set|add|put)',
    '\\s[^\\s=]{0,60}(?:token|secret|password|passwd|key|auth)[^\\s=]{0,40}(?:\\s{0,2}=\\s{0,2}|\\s{1,3})'
  ),
  {
    pattern: new RegExp(
      `(?<before>\\b(?:echo|printf)\\s{1,3}(?:-n\\s{1,3}|'%s'\\s{1,3})?)(?<secret>${WORD})` +
        `(?<after>\\s{0,3}\\|\\s{0,3}(?:${READERS}))`,
      'g'
    ),
    unless: isReference
  },
  {
    pattern: new RegExp(
      `(?<before>\\b(?:sudo -S|docker login|podman login|gh auth login|kinit|su|passwd|cryptsetup)\\b` +
        `[^\\n<|;]{0,200}<<<\\s{0,3})(?<secret>${WORD})`,
      'g'
    ),
    unless: isReference
  },
  {
    pattern:
      /(?<before>\/\/[\w.-]{1,100}\/[\w./-]{0,60}:_(?:authToken|auth|password)=)(?<secret>\S+)/g,
    unless: isReference
  }
]
