// Does a configuration in the form that Debian ships run as it is? A small tree of that form: names from the environment, a file for
// every module, sites and snippets that are switched on by being there.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const load = (name: string) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`;

const FILES: Readonly<Record<string, string>> = {
  "etc/apache2.conf": `
DefaultRuntimeDir \${APACHE_RUN_DIR}
PidFile \${APACHE_PID_FILE}
Timeout 300
KeepAlive On
HostnameLookups Off
ErrorLog \${APACHE_LOG_DIR}/error.log
LogLevel warn
IncludeOptional mods-enabled/*.load
IncludeOptional mods-enabled/*.conf
Include ports.conf
<Directory />
	Options FollowSymLinks
	AllowOverride None
	Require all denied
</Directory>
<Directory \${TEST_ROOT}/var/www/>
	Options Indexes FollowSymLinks
	AllowOverride None
	Require all granted
</Directory>
AccessFileName .htaccess
<FilesMatch "^\\.ht">
	Require all denied
</FilesMatch>
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O" vhost_combined
IncludeOptional conf-enabled/*.conf
IncludeOptional sites-enabled/*.conf
`,
  "etc/ports.conf": `
Listen 127.0.0.1:@PORT@
<IfModule ssl_module>
	Listen 443
</IfModule>
`,
  "etc/mods-enabled/mpm_event.load": load("mpm_event"),
  "etc/mods-enabled/mpm_event.conf": "StartServers 1\nThreadsPerChild 1\n",
  "etc/mods-enabled/alias.load": load("alias"),
  "etc/mods-enabled/alias.conf": `
Alias /icons/ "\${TEST_ROOT}/icons/"
<Directory "\${TEST_ROOT}/icons">
	Options FollowSymlinks
	AllowOverride None
	Require all granted
</Directory>
`,
  "etc/mods-enabled/auth_basic.load": `# Depends: authn_core\n${load("auth_basic")}`,
  "etc/mods-enabled/autoindex.load": load("autoindex"),
  "etc/mods-enabled/autoindex.conf": `
IndexOptions FancyIndexing VersionSort HTMLTable NameWidth=* DescriptionWidth=* Charset=UTF-8
AddIconByEncoding (CMP,/icons/compressed.gif) x-compress x-gzip x-bzip2
AddIconByType (TXT,/icons/text.gif) text/*
AddIcon /icons/back.gif ..
AddIcon /icons/folder.gif ^^DIRECTORY^^
AddIcon /icons/blank.gif ^^BLANKICON^^
DefaultIcon /icons/unknown.gif
ReadmeName README.html
HeaderName HEADER.html
IndexIgnore .??* *~ *# RCS CVS *,v *,t
`,
  "etc/mods-enabled/deflate.load": load("deflate"),
  "etc/mods-enabled/deflate.conf": `
<IfModule mod_filter.c>
	AddOutputFilterByType DEFLATE text/html text/plain
</IfModule>
`,
  "etc/mods-enabled/dir.load": load("dir"),
  "etc/mods-enabled/dir.conf":
    "DirectoryIndex index.html index.cgi index.pl index.php index.xhtml index.htm\n",
  "etc/mods-enabled/mime.load": load("mime"),
  "etc/mods-enabled/mime.conf": `
TypesConfig \${TEST_ROOT}/etc/mime.types
AddType application/x-gzip .gz .tgz
RemoveType es
AddLanguage es .es
AddLanguage de .de
AddCharset UTF-8 .utf8
AddHandler type-map var
`,
  "etc/mods-enabled/negotiation.load": load("negotiation"),
  "etc/mods-enabled/negotiation.conf":
    "LanguagePriority en ca cs da de\nForceLanguagePriority Prefer Fallback\n",
  "etc/mods-enabled/reqtimeout.load": load("reqtimeout"),
  "etc/mods-enabled/reqtimeout.conf":
    "RequestReadTimeout header=20-40,minrate=500\nRequestReadTimeout body=10,minrate=500\n",
  "etc/mods-enabled/setenvif.load": load("setenvif"),
  "etc/mods-enabled/setenvif.conf": `
BrowserMatch "Mozilla/2" nokeepalive
BrowserMatch "MSIE 4\\.0b2;" nokeepalive downgrade-1.0 force-response-1.0
BrowserMatch " Konqueror/4" redirect-carefully
`,
  "etc/mods-enabled/status.load": load("status"),
  "etc/mods-enabled/status.conf": `
<Location /server-status>
	SetHandler server-status
	Require local
</Location>
ExtendedStatus On
<IfModule mod_proxy.c>
	ProxyStatus On
</IfModule>
`,
  "etc/conf-enabled/security.conf": "ServerTokens OS\nServerSignature On\nTraceEnable Off\n",
  "etc/conf-enabled/serve-cgi-bin.conf": `
<IfModule mod_alias.c>
	<IfModule mod_cgi.c>
		Define ENABLE_USR_LIB_CGI_BIN
	</IfModule>
	<IfDefine ENABLE_USR_LIB_CGI_BIN>
		ScriptAlias /cgi-bin/ /usr/lib/cgi-bin/
	</IfDefine>
</IfModule>
`,
  "etc/conf-enabled/other-vhosts-access-log.conf":
    "CustomLog ${APACHE_LOG_DIR}/other_vhosts_access.log vhost_combined\n",
  "etc/conf-enabled/ignored.conf.dpkg-old": "This is no directive\n",
  "etc/sites-enabled/000-default.conf": `
<VirtualHost *:@PORT@>
	ServerAdmin webmaster@localhost
	DocumentRoot \${TEST_ROOT}/var/www/html
	ErrorLog \${APACHE_LOG_DIR}/error.log
	CustomLog \${APACHE_LOG_DIR}/access.log combined
</VirtualHost>
`,
  "etc/mime.types": "text/html html htm\nimage/gif gif\ntext/plain txt\n",
  "var/www/html/index.html": "It works",
  "var/www/html/files/a.txt": "a",
  "var/www/html/files/b.de.txt": "b",
  "icons/text.gif": "GIF89a",
};

Deno.test({ name: "a tree in Debian's form runs as it is", ignore: !unix }, async () => {
  await using server = await startTree();
  assertEquals(await server.get("/"), "It works");
  assertEquals(await server.get("/icons/text.gif"), "GIF89a");
  const listing = await server.get("/files/");
  assertStringIncludes(listing, '<img src="/icons/text.gif" alt="[TXT]">');
  assertStringIncludes(listing, '<a href="a.txt">a.txt</a>');

  const ask = (path: string) => server.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const missing = await ask("/missing");
  assertMatch(
    missing,
    /^HTTP\/1\.1 404 [\s\S]*<address>mpmd\/[\d.]+ \(\w+\) Server at a Port \d+<\/address>/,
  );
  assert((await ask("/.htpasswd")).startsWith("HTTP/1.1 403 "));
  assert((await ask("/icons/")).startsWith("HTTP/1.1 403 "));
  assert(
    (await server.raw("TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).startsWith(
      "HTTP/1.1 405 ",
    ),
  );
  assertMatch(await server.get("/files/b.de.txt"), /^b$/);
  assertStringIncludes(await server.get("/server-status?auto"), "BusyWorkers:");
  await until(
    "the access log",
    () => /"GET \/missing HTTP\/1\.1" 404 \d+ "-" "-"/.test(server.log("log/access.log")),
  );
  assertStringIncludes(server.log("log/error.log"), "AH00489");
  // Every module that Debian loads is here.
  assert(!server.stderr.includes("mpmd has no"), server.stderr);
  assert(!server.stderr.includes("AH00526"), server.stderr);
});

async function startTree(): Promise<TestServer> {
  return await TestServer.start({
    files: { ...FILES, "log/.keep": "", "run/.keep": "" },
    args: ["-d", "@ROOT@/etc", "-f", "apache2.conf"],
    env: {
      TEST_ROOT: "@ROOT@",
      APACHE_RUN_DIR: "@ROOT@/run",
      APACHE_PID_FILE: "@ROOT@/run/apache2.pid",
      APACHE_LOG_DIR: "@ROOT@/log",
    },
  });
}
