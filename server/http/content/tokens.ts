// What does the server call itself in the Server field and in signatures (ServerTokens)?

/** Arguments of ServerTokens, from the most to the least telling. */
export const serverTokensForms = ["Full", "OS", "Min", "Minor", "Major", "Prod"] as const;

/** One argument of ServerTokens. */
export type ServerTokens = typeof serverTokensForms[number];

const PRODUCT = "mpmd";

/** What the banner may tell. */
export interface BannerParts {
  /** `major.minor.patch` of this server */
  readonly version: string;
  /** kind of operating system, such as `Unix` or `Win64` */
  readonly platform: string;
  /** `Name/1.0` of modules that announce themselves, in order; only in the form Full */
  readonly components: readonly string[];
}

/** Value of the Server field in the given form: `mpmd/0.1.0 (Unix) Module/1.0` down to `mpmd`. */
export function serverBanner(form: ServerTokens, { version, platform, components }: BannerParts): string {
  const [major, minor] = version.split(".");
  switch (form) {
    case "Prod":
      return PRODUCT;
    case "Major":
      return `${PRODUCT}/${major}`;
    case "Minor":
      return `${PRODUCT}/${major}.${minor}`;
    case "Min":
      return `${PRODUCT}/${version}`;
    case "OS":
      return `${PRODUCT}/${version} (${platform})`;
    case "Full":
      return [`${PRODUCT}/${version} (${platform})`, ...components].join(" ");
  }
}
