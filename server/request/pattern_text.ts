// What do $0 to $9 in the replacement of a regular expression stand for? As httpd's AliasMatch, RedirectMatch and SetEnvIf take them.

/** `template` with $n replaced by the groups of `found`; a backslash takes the meaning from what follows it. */
export function substituted(template: string, found: RegExpExecArray): string {
  if (!/[$\\]/.test(template)) return template;
  return template.replace(
    /\\([^])|\$(\d)/g,
    (_, plain: string | undefined, group: string) => plain ?? found[Number(group)] ?? "",
  );
}
