// What do typical rules lead to? Configurations with requests, and what httpd 2.4 (Debian's 2.4.71) answers to them: the status, then
// Location or the content.

/** One configuration. */
export interface RewriteCase {
  readonly name: string;
  /** In the virtual host; or, as `htaccess`, in DocumentRoot. */
  readonly config?: string;
  readonly htaccess?: string;
  /** Target, more fields ("" for none), expected: status, and Location without this host, or the content. */
  readonly requests: readonly (readonly [target: string, fields: string, expected: string])[];
}

/** Below DocumentRoot; content is the name. */
export const PLACES: readonly string[] = [
  "index.html",
  "index.php",
  "app.php",
  "a.txt",
  "b.txt",
  "img.gif",
  "maintenance.html",
  "sub/index.html",
  "sub/x.txt",
  "public/index.php",
  "public/css.css",
  "with space.txt",
];

const WORDPRESS = `RewriteEngine On
RewriteBase /
RewriteRule ^index\\.php$ - [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . /index.php [L]`;
const LARAVEL = `RewriteEngine On
RewriteCond %{HTTP:Authorization} .
RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]
RewriteCond %{REQUEST_FILENAME} !-d
RewriteCond %{REQUEST_URI} (.+)/$
RewriteRule ^ %1 [L,R=301]
RewriteCond %{REQUEST_FILENAME} !-d
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule ^ index.php [L]`;
const rules = (text: string) => `RewriteEngine On\n${text}`;

export const CASES: readonly RewriteCase[] = [
  {
    name: "WordPress",
    htaccess: WORDPRESS,
    requests: [["/", "", "200 index.html"], ["/post/1", "", "200 index.php"], ["/a.txt", "", "200 a.txt"], [
      "/sub/",
      "",
      "200 sub/index.html",
    ], [
      "/sub",
      "",
      "301 http://HOST/sub/",
    ], [
      "/index.php",
      "",
      "200 index.php",
    ], ["/x?q=1", "", "200 index.php"]],
  },
  {
    name: "Laravel",
    htaccess: LARAVEL,
    requests: [
      ["/users/", "", "301 http://HOST/users"],
      ["/users/1", "", "200 index.php"],
      ["/sub/", "", "200 sub/index.html"],
      ["/a.txt", "", "200 a.txt"],
      [
        "/users/?a=b",
        "",
        "301 http://HOST/users?a=b",
      ],
    ],
  },
  {
    name: "Drupal",
    htaccess: rules(
      "RewriteRule /\\.|^\\.(?!well-known/) - [F]\nRewriteCond %{REQUEST_URI} ^(.*)?/(update\\.php) [NC]\nRewriteRule ^ %1/core/%2 [L,QSA,R=301]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteCond %{REQUEST_URI} !=/favicon.ico\nRewriteRule ^ index.php [L]",
    ),
    requests: [["/node/1", "", "200 index.php"], ["/.git/x", "", "403"], [
      "/UPDATE.php?x=1",
      "",
      "301 http://HOST/core/UPDATE.php?x=1",
    ], [
      "/favicon.ico",
      "",
      "404",
    ]],
  },
  {
    name: "front controller of a host",
    config: rules(
      "RewriteCond %{DOCUMENT_ROOT}%{REQUEST_URI} !-f\nRewriteRule ^/(.*)$ /app.php?path=$1 [QSA,L]",
    ),
    requests: [["/x/y", "", "200 app.php"], ["/a.txt", "", "200 a.txt"], ["/x%20y?z=1", "", "403"]],
  },
  {
    name: "canonical host",
    config: rules(
      "RewriteCond %{HTTP_HOST} !^www\\. [NC]\nRewriteCond %{HTTP_HOST} ^(?:old\\.)?([a-z.]+) [NC]\nRewriteRule ^/?(.*) http://www.%1/$1 [R=301,L]",
    ),
    requests: [["/a.txt", "", "301 http://www.c/a.txt"], [
      "/a%20b?x=%20y",
      "",
      "301 http://www.c/a%20b?x=%20y",
    ], ["/", "", "301 http://www.c/"]],
  },
  {
    name: "https",
    config: rules("RewriteCond %{HTTPS} off\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [L,R=308]"),
    requests: [["/a.txt?q=1", "", "308 https://HOST/a.txt?q=1"], ["/%c3%a4", "", "308 https://HOST/%c3%a4"]],
  },
  {
    name: "trailing slash",
    config: rules("RewriteRule ^(.*[^/])/$ $1 [R=301,L]\nRewriteRule ^/add$ /add/ [R]"),
    requests: [["/a/b/", "", "301 http://HOST/a/b"], ["/add", "", "302 http://HOST/add/"], [
      "/a.txt",
      "",
      "200 a.txt",
    ]],
  },
  {
    name: "hotlinks",
    config: rules(
      "RewriteCond %{HTTP_REFERER} !^$\nRewriteCond %{HTTP_REFERER} !^https?://good\\.example/ [NC]\nRewriteRule \\.(gif|jpe?g)$ - [F,NC]",
    ),
    requests: [
      ["/img.gif", "", "200 img.gif"],
      ["/img.gif", "Referer: http://GOOD.example/x", "200 img.gif"],
      ["/img.gif", "Referer: http://bad.example/x", "403"],
      ["/a.txt", "Referer: http://bad.example/x", "200 a.txt"],
    ],
  },
  {
    name: "maintenance",
    htaccess: rules(
      "RewriteCond %{DOCUMENT_ROOT}/maintenance.html -f\nRewriteCond %{REQUEST_URI} !=/maintenance.html\nRewriteRule ^ - [R=503,L]",
    ),
    requests: [["/a.txt", "", "503"], ["/maintenance.html", "", "200 maintenance.html"], ["/", "", "503"]],
  },
  {
    name: "maps",
    config: rules(
      "RewriteMap t txt:@ROOT@/map.txt\nRewriteMap up int:toupper\nRewriteMap low int:tolower\nRewriteMap esc int:escape\nRewriteRule ^/m/(.+)$ /${t:$1|b.txt}\nRewriteRule ^/up/(.+)$ http://o.example/${up:$1} [R]\nRewriteCond ${low:%{QUERY_STRING}} ^yes$\nRewriteRule ^/cond$ /a.txt\nRewriteRule ^/esc/(.*)$ http://o.example/${esc:$1} [R,NE]",
    ),
    requests: [
      ["/m/one", "", "200 a.txt"],
      ["/m/two", "", "200 sub/x.txt"],
      ["/m/none", "", "200 b.txt"],
      ["/up/abc", "", "302 http://o.example/ABC"],
      ["/cond?YES", "", "200 a.txt"],
      ["/cond?no", "", "404"],
      ["/esc/a%20b", "", "302 http://o.example/a%20b"],
    ],
  },
  {
    name: "statuses",
    config: rules(
      "RewriteRule ^/f - [F]\nRewriteRule ^/g - [G]\nRewriteRule ^/404 - [R=404]\nRewriteRule ^/s http://o.example/ [R=seeother]\nRewriteRule ^/p http://o.example/x [R=permanent]\nRewriteRule ^/i http://o.example/i\nRewriteRule ^/nosub - [R=301]",
    ),
    requests: [
      ["/f", "", "403"],
      ["/g", "", "410"],
      ["/404", "", "404"],
      ["/s", "", "303 http://o.example/"],
      ["/p?q", "", "301 http://o.example/x?q"],
      [
        "/i",
        "",
        "302 http://o.example/i",
      ],
      ["/nosub", "", "404"],
    ],
  },
  {
    name: "queries",
    config: rules(
      "RewriteRule ^/qsa http://o.example/x?a=1 [R,QSA]\nRewriteRule ^/qsd http://o.example/x [R,QSD]\nRewriteRule ^/keep http://o.example/x [R]\nRewriteRule ^/new http://o.example/x?n=1 [R]\nRewriteRule ^/empty http://o.example/x? [R]\nRewriteRule ^/qsl http://o.example/a?b?c=1 [R,QSL,NE]\nRewriteCond %{QUERY_STRING} (?:^|&)id=(\\d+)\nRewriteRule ^/id$ http://o.example/i/%1? [R]",
    ),
    requests: [
      ["/qsa?b=2", "", "302 http://o.example/x?a=1&b=2"],
      ["/qsa", "", "302 http://o.example/x?a=1"],
      ["/qsd?b=2", "", "302 http://o.example/x"],
      ["/keep?b=%20", "", "302 http://o.example/x?b=%20"],
      ["/new?b=2", "", "302 http://o.example/x?n=1"],
      ["/empty?b=2", "", "302 http://o.example/x"],
      ["/qsl", "", "302 http://o.example/a?b?c=1"],
      ["/id?x=1&id=77", "", "302 http://o.example/i/77"],
      ["/id?id=x", "", "404"],
    ],
  },
  {
    name: "escapes",
    config: rules(
      "RewriteRule ^/e/(.*)$ http://o.example/$1#top [R]\nRewriteRule ^/ne/(.*)$ http://o.example/$1#top [R,NE]\nRewriteRule ^/b/(.*)$ http://o.example/?q=$1 [R,B,NE]\nRewriteRule ^/bnp/(.*)$ http://o.example/?q=$1 [R,B,BNP,NE]\nRewriteRule ^/bs/(.*)$ http://o.example/?q=$1 [R,B=&,NE]\nRewriteRule ^/q/(.*)$ /a.txt?q=$1",
    ),
    requests: [
      ["/e/a%20b", "", "302 http://o.example/a%20b%23top"],
      ["/ne/ab", "", "302 http://o.example/ab#top"],
      ["/b/a%26b%20c", "", "302 http://o.example/?q=a%26b+c"],
      ["/bnp/a%20c", "", "302 http://o.example/?q=a%20c"],
      ["/bs/a%26b", "", "302 http://o.example/?q=a%26b"],
      ["/q/a%20b", "", "403"],
      ["/q/ab", "", "200 a.txt"],
    ],
  },
  {
    name: "flow",
    config: rules(
      'RewriteRule ^/c1$ - [C]\nRewriteRule ^/c1$ /a.txt [L]\nRewriteRule ^/no$ - [C]\nRewriteRule ^/c2$ /a.txt [L]\nRewriteRule ^/sk$ - [S=1]\nRewriteRule ^/sk$ /a.txt [L]\nRewriteRule ^/sk$ /b.txt [L]\nRewriteRule ^(.*)_(.*)$ $1-$2 [N]\nRewriteRule ^/a-b-c$ /b.txt [L]\nRewriteRule !^/not - [S=1]\nRewriteRule ^/not /a.txt\nRewriteCond %{REMOTE_ADDR} =127.0.0.1 [OR]\nRewriteCond %{REMOTE_ADDR} =10.0.0.1\nRewriteRule ^/or$ /a.txt\nRewriteCond %{QUERY_STRING} -gt5\nRewriteRule ^/num$ /a.txt\nRewriteCond expr "%{REQUEST_URI} =~ m#xp#"\nRewriteRule ^/expr$ /b.txt',
    ),
    requests: [
      ["/c1", "", "200 a.txt"],
      ["/c2", "", "404"],
      ["/sk", "", "200 b.txt"],
      ["/a_b_c", "", "200 b.txt"],
      ["/not", "", "200 a.txt"],
      ["/or", "", "200 a.txt"],
      ["/num?7", "", "200 a.txt"],
      ["/num?3", "", "404"],
      ["/expr", "", "200 b.txt"],
    ],
  },
  {
    name: "pass through",
    config:
      "Alias /al @ROOT@/htdocs/sub\nRewriteEngine On\nRewriteRule ^/pt/(.*) /al/$1 [PT]\nRewriteRule ^/npt/(.*) /al/$1",
    requests: [["/pt/x.txt", "", "200 sub/x.txt"], ["/npt/x.txt", "", "404"]],
  },
  {
    name: "in a directory",
    htaccess: rules(
      "RewriteRule ^rel/(.*)$ sub/$1 [L]\nRewriteRule ^r/(.*)$ sub/$1 [R,L]\nRewriteRule ^abs$ /a.txt [L]\nRewriteRule ^end$ a.txt [END]\nRewriteRule ^a\\.txt$ b.txt [L]\nRewriteRule ^space$ with\\ space.txt [L]\nRewriteRule ^b\\.txt$ b.txt\nRewriteRule ^loop(.*)$ loop$1x",
    ),
    requests: [
      ["/rel/x.txt", "", "200 sub/x.txt"],
      // httpd sends the client to the name of the file here, which is of no use to anybody.
      ["/r/x.txt?q", "", "302 http://HOST/sub/x.txt?q"],
      ["/abs", "", "200 b.txt"],
      ["/end", "", "200 a.txt"],
      ["/a.txt", "", "200 b.txt"],
      ["/b.txt", "", "200 b.txt"],
      ["/space", "", "200 with space.txt"],
      ["/loop", "", "500"],
    ],
  },
  {
    name: "public folder",
    htaccess: rules("RewriteRule ^(?!public/)(.*)$ public/$1 [L]"),
    requests: [["/css.css", "", "200 public/css.css"], ["/index.php", "", "200 public/index.php"], [
      "/none",
      "",
      "404",
    ]],
  },
  {
    name: "cookies",
    config: rules("RewriteRule ^/a - [CO=lang:de:.o.example:0:/x:secure:httponly:Lax]"),
    requests: [[
      "/a.txt",
      "",
      "200 a.txt lang=de; path=/x; domain=.o.example; secure; HttpOnly; SameSite=Lax",
    ]],
  },
  {
    name: "escaped question mark",
    config: rules("RewriteRule ^/u/(.*)$ /$1\nRewriteRule ^/a/(.*)$ /$1 [UnsafeAllow3F]"),
    requests: [["/u/a.txt%3fx", "", "403"], ["/a/a.txt%3fx", "", "200 a.txt"], ["/u/a.txt", "", "200 a.txt"]],
  },
  {
    name: "in a directory that inherits",
    config: rules("RewriteRule ^/host$ /a.txt"),
    htaccess: rules(
      "RewriteBase /\nRewriteRule ^sub/in$ b.txt [QSA,L]\nRewriteRule ^host$ img.gif\nRewriteRule ^pi/(.*)$ a.txt/$1",
    ),
    requests: [["/sub/in?x", "", "200 b.txt"], ["/host", "", "200 a.txt"], ["/sub/none", "", "404"], [
      "/pi/x",
      "",
      "404",
    ]],
  },
];
