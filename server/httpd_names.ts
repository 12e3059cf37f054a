// What has httpd that a configuration may name? Its modules and the directives of the commonest, so that a message can say what is
// missing here: the name may be right, only the module is not there.

/** Modules whose directives and effects are here, but not as a module of their own; by what LoadModule calls them. */
export const BUILT_IN_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ["http_module", "http_core.c"],
  ["macro_module", "mod_macro.c"],
  ["reqtimeout_module", "mod_reqtimeout.c"],
  ["so_module", "mod_so.c"],
  ["unique_id_module", "mod_unique_id.c"],
  ["version_module", "mod_version.c"],
]);

/** The modules that come with httpd 2.4, without `mod_`. */
const MODULE_NAMES = `
access_compat actions alias allowmethods asis auth_basic auth_digest auth_form authn_anon authn_core
authn_dbd authn_dbm authn_file authn_socache authnz_fcgi authnz_ldap authz_core authz_dbd authz_dbm
authz_groupfile authz_host authz_owner authz_user autoindex brotli buffer cache cache_disk cache_socache
cern_meta cgi cgid charset_lite data dav dav_fs dav_lock dbd deflate dialup dir dumpio echo env expires
ext_filter file_cache filter headers heartbeat heartmonitor http2 ident imagemap include info
lbmethod_bybusyness lbmethod_byrequests lbmethod_bytraffic lbmethod_heartbeat ldap log_config log_debug
log_forensic logio lua macro md mime mime_magic negotiation proxy proxy_ajp proxy_balancer proxy_connect
proxy_express proxy_fcgi proxy_fdpass proxy_ftp proxy_hcheck proxy_html proxy_http proxy_http2 proxy_scgi
proxy_uwsgi proxy_wstunnel ratelimit reflector remoteip reqtimeout request rewrite sed session
session_cookie session_crypto session_dbd setenvif slotmem_plain slotmem_shm so socache_dbm socache_memcache
socache_redis socache_shmcb speling ssl status substitute suexec systemd unique_id unixd userdir usertrack
version vhost_alias watchdog xml2enc
`;

/** Directives by module. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  core: `
    AcceptFilter AcceptPathInfo AccessFileName AddDefaultCharset AllowEncodedSlashes AllowOverride
    AllowOverrideList AsyncFilter CGIMapExtension CGIPassAuth CGIVar ContentDigest DefaultRuntimeDir
    DefaultStateDir DefaultType Define <Directory> <DirectoryMatch> DocumentRoot <Else> <ElseIf> EnableMMAP
    EnableSendfile Error ErrorDocument ErrorLog ErrorLogFormat ExtendedStatus FileETag <Files> <FilesMatch>
    FlushMaxPipelined FlushMaxThreshold ForceType GprofDir HostnameLookups HttpProtocolOptions <If>
    <IfDefine> <IfDirective> <IfFile> <IfModule> <IfSection> Include IncludeOptional KeepAlive
    KeepAliveTimeout <Limit> <LimitExcept> LimitInternalRecursion LimitRequestBody LimitRequestFields
    LimitRequestFieldSize LimitRequestLine LimitXMLRequestBody <Location> <LocationMatch> LogLevel
    LogLevelOverride MaxKeepAliveRequests MaxRangeOverlaps MaxRangeReversals MaxRanges MergeSlashes
    MergeTrailers Mutex NameVirtualHost Options Protocol Protocols ProtocolsHonorOrder QualifyRedirectURL
    ReadBufferSize RegexDefaultOptions RegisterHttpMethod RLimitCPU RLimitMEM RLimitNPROC
    ScriptInterpreterSource SeeRequestTail ServerAdmin ServerAlias ServerName ServerPath ServerRoot
    ServerSignature ServerTokens SetHandler SetInputFilter SetOutputFilter StrictHostCheck TimeOut
    TraceEnable UNCList UnDefine UseCanonicalName UseCanonicalPhysicalPort <VirtualHost> Warning
  `,
  mpm_common: `
    AcceptErrorsNonFatal CoreDumpDirectory EnableExceptionHook GracefulShutdownTimeout Listen ListenBacklog
    ListenCoresBucketsRatio MaxClients MaxConnectionsPerChild MaxMemFree MaxRequestsPerChild MaxRequestWorkers
    MaxSpareThreads MinSpareThreads PidFile ReceiveBufferSize ScoreBoardFile SendBufferSize ServerLimit
    StartServers StartThreads ThreadLimit ThreadsPerChild ThreadStackSize
  `,
  event: `
    AsyncRequestWorkerFactor
  `,
  prefork: `
    MaxSpareServers MinSpareServers
  `,
  mpm_netware: `
    MaxThreads
  `,
  mod_access_compat: `
    Allow Deny Order Satisfy
  `,
  mod_actions: `
    Action Script
  `,
  mod_alias: `
    Alias AliasMatch AliasPreservePath Redirect RedirectMatch RedirectPermanent RedirectRelative
    RedirectTemp ScriptAlias ScriptAliasMatch
  `,
  mod_allowmethods: `
    AllowMethods
  `,
  mod_auth_basic: `
    AuthBasicAuthoritative AuthBasicFake AuthBasicProvider AuthBasicUseDigestAlgorithm
  `,
  mod_auth_digest: `
    AuthDigestAlgorithm AuthDigestDomain AuthDigestNcCheck AuthDigestNonceFormat AuthDigestNonceLifetime
    AuthDigestProvider AuthDigestQop AuthDigestShmemSize
  `,
  mod_authn_core: `
    AuthName <AuthnProviderAlias> AuthType
  `,
  mod_authn_file: `
    AuthUserFile
  `,
  mod_authz_core: `
    AuthMerging <AuthzProviderAlias> AuthzSendForbiddenOnFailure Require <RequireAll> <RequireAny>
    <RequireNone>
  `,
  mod_authz_groupfile: `
    AuthGroupFile AuthzGroupFileAuthoritative
  `,
  mod_autoindex: `
    AddAlt AddAltByEncoding AddAltByType AddDescription AddIcon AddIconByEncoding AddIconByType DefaultIcon
    HeaderName IndexForbiddenReturn404 IndexHeadInsert IndexIgnore IndexIgnoreReset IndexOptions
    IndexOrderDefault IndexStyleSheet ReadmeName
  `,
  mod_brotli: `
    BrotliAlterETag BrotliCompressionMaxInputBlock BrotliCompressionQuality BrotliCompressionWindow
    BrotliFilterNote
  `,
  mod_cache: `
    CacheDefaultExpire CacheDetailHeader CacheDisable CacheEnable CacheHeader CacheIgnoreCacheControl
    CacheIgnoreHeaders CacheLock CacheMaxExpire
  `,
  mod_cache_disk: `
    CacheDirLength CacheDirLevels CacheMaxFileSize CacheMinFileSize CacheRoot
  `,
  mod_cgi: `
    CGIScriptTimeout ScriptLog ScriptLogBuffer ScriptLogLength
  `,
  mod_cgid: `
    CGIDScriptTimeout ScriptSock
  `,
  mod_dav: `
    Dav DavBasePath DavDepthInfinity DavMinTimeout
  `,
  mod_dav_fs: `
    DavLockDB DavLockDBType DavQuota
  `,
  mod_deflate: `
    DeflateAlterETag DeflateBufferSize DeflateCompressionLevel DeflateFilterNote
    DeflateInflateLimitRequestBody DeflateInflateRatioBurst DeflateInflateRatioLimit DeflateMemLevel
    DeflateWindowSize
  `,
  mod_dir: `
    DirectoryCheckHandler DirectoryIndex DirectoryIndexRedirect DirectorySlash FallbackResource
  `,
  mod_env: `
    PassEnv SetEnv UnsetEnv
  `,
  mod_expires: `
    ExpiresActive ExpiresByType ExpiresDefault
  `,
  mod_ext_filter: `
    ExtFilterDefine ExtFilterOptions
  `,
  mod_filter: `
    AddOutputFilterByType FilterChain FilterDeclare FilterProtocol FilterProvider FilterTrace
  `,
  mod_headers: `
    Header RequestHeader
  `,
  mod_http2: `
    H2CopyFiles H2Direct H2EarlyHint H2EarlyHints H2MaxDataFrameLen H2MaxSessionStreams H2MaxWorkerIdleSeconds H2MaxWorkers
    H2MinWorkers H2ModernTLSOnly H2OutputBuffering H2Padding H2ProxyRequests H2Push H2PushDiarySize H2PushPriority
    H2PushResource H2SerializeHeaders H2SessionExtraFiles H2StreamMaxMemSize H2StreamTimeout H2TLSCoolDownSecs
    H2TLSWarmUpSize H2Upgrade H2WebSockets H2WindowSize
  `,
  mod_ident: `
    IdentityCheck IdentityCheckTimeout
  `,
  mod_include: `
    SSIEndTag SSIErrorMsg SSIETag SSILastModified SSILegacyExprParser SSIStartTag SSITimeFormat
    SSIUndefinedEcho XBitHack
  `,
  mod_info: `
    AddModuleInfo
  `,
  mod_log_config: `
    BufferedLogs CustomLog GlobalLog LogFormat TransferLog
  `,
  mod_log_debug: `
    LogMessage
  `,
  mod_log_forensic: `
    ForensicLog
  `,
  mod_logio: `
    LogIOTrackTTFB LogIOTrackTTFU
  `,
  mod_lua: `
    LuaHookAccessChecker LuaMapHandler LuaPackagePath LuaRoot
  `,
  mod_macro: `
    <Macro> MacroIgnoreBadNesting MacroIgnoreEmptyArgs UndefMacro Use
  `,
  mod_md: `
    MDActivationDelay MDBaseServer MDCACertificateFile MDCAChallenges MDCertificateAgreement
    MDCertificateAuthority MDCertificateCheck MDCertificateFile MDCertificateKeyFile MDCertificateProtocol
    MDCertificateStatus MDChallengeDns01 MDChallengeDns01Version MDCheckInterval MDContactEmail MDDriveMode
    MDExternalAccountBinding MDHttpProxy MDMatchNames MDMember MDMembers MDMessageCmd MDMustStaple
    MDNotifyCmd MDomain <MDomain> <MDomainSet> MDPortMap MDPrivateKeys MDRenewMode MDRenewWindow
    MDRequireHttps MDRetryDelay MDRetryFailover MDServerStatus MDStapleOthers MDStapling
    MDStaplingKeepResponse MDStaplingRenewWindow MDStoreDir MDStoreLocks MDWarnWindow
  `,
  mod_mime: `
    AddCharset AddEncoding AddHandler AddInputFilter AddLanguage AddOutputFilter AddType DefaultLanguage
    MimeOptions ModMimeUsePathInfo MultiviewsMatch RemoveCharset RemoveEncoding RemoveHandler
    RemoveInputFilter RemoveLanguage RemoveOutputFilter RemoveType TypesConfig
  `,
  mod_mime_magic: `
    MimeMagicFile
  `,
  mod_negotiation: `
    CacheNegotiatedDocs ForceLanguagePriority LanguagePriority
  `,
  mod_proxy: `
    BalancerGrowth BalancerInherit BalancerMember BalancerPersist NoProxy Proxy100Continue <Proxy>
    ProxyAddHeaders ProxyBadHeader ProxyBlock ProxyDomain ProxyErrorOverride ProxyIOBufferSize <ProxyMatch>
    ProxyMaxForwards ProxyPass ProxyPassInherit ProxyPassInterpolateEnv ProxyPassMatch ProxyPassReverse
    ProxyPassReverseCookieDomain ProxyPassReverseCookiePath ProxyPreserveHost ProxyReceiveBufferSize
    ProxyRemote ProxyRemoteMatch ProxyRequests ProxySet ProxySourceAddress ProxyStatus ProxyTimeout ProxyVia
  `,
  mod_proxy_html: `
    ProxyHTMLEnable ProxyHTMLEvents ProxyHTMLLinks ProxyHTMLURLMap
  `,
  mod_remoteip: `
    RemoteIPHeader RemoteIPInternalProxy RemoteIPInternalProxyList RemoteIPProxiesHeader
    RemoteIPProxyProtocol RemoteIPProxyProtocolExceptions RemoteIPTrustedProxy RemoteIPTrustedProxyList
  `,
  mod_reqtimeout: `
    RequestReadTimeout
  `,
  mod_rewrite: `
    RewriteBase RewriteCond RewriteEngine RewriteMap RewriteOptions RewriteRule
  `,
  mod_session: `
    Session SessionEnv SessionExclude SessionExpiryUpdateInterval SessionHeader SessionInclude SessionMaxAge
  `,
  mod_setenvif: `
    BrowserMatch BrowserMatchNoCase SetEnvIf SetEnvIfExpr SetEnvIfNoCase
  `,
  mod_so: `
    LoadFile LoadModule
  `,
  mod_speling: `
    CheckBasenameMatch CheckCaseOnly CheckSpelling
  `,
  mod_ssl: `
    SSLCACertificateFile SSLCACertificatePath SSLCARevocationCheck SSLCARevocationFile SSLCARevocationPath
    SSLCertificateChainFile SSLCertificateFile SSLCertificateKeyFile SSLCipherSuite SSLEngine
    SSLHonorCipherOrder SSLOptions SSLPassPhraseDialog SSLProtocol SSLRandomSeed SSLRequire SSLRequireSSL
    SSLSessionCache SSLSessionCacheTimeout SSLSessionTickets SSLStaplingCache SSLStrictSNIVHostCheck
    SSLUseStapling SSLVerifyClient SSLVerifyDepth
  `,
  mod_substitute: `
    Substitute SubstituteInheritBefore SubstituteMaxLineLength
  `,
  mod_unixd: `
    ChrootDir Group Suexec User
  `,
  mod_userdir: `
    UserDir
  `,
  mod_usertrack: `
    CookieDomain CookieExpires CookieHTTPOnly CookieName CookieSameSite CookieSecure CookieStyle CookieTracking
  `,
  mod_version: `
    <IfVersion>
  `,
  mod_vhost_alias: `
    VirtualDocumentRoot VirtualDocumentRootIP VirtualScriptAlias VirtualScriptAliasIP
  `,
};

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

const modules = new Set(words(MODULE_NAMES).map((name) => `${name}_module`));

/** True for what httpd's own LoadModule lines may name, such as "alias_module". */
export function isHttpdModule(id: string): boolean {
  return modules.has(id);
}

/** Directives of httpd: all of its core, of its MPMs and of its commonest modules; of others the commonest. */
export const HTTPD_DIRECTIVES: readonly { readonly name: string; readonly module: string }[] = Object.entries(
  DIRECTIVES,
).flatMap(([module, text]) => words(text).map((name) => ({ name, module })));

const moduleByDirective = new Map(HTTPD_DIRECTIVES.map(({ name, module }) => [name.toLowerCase(), module]));

/** The module of httpd that has a directive (sections as `<Name>`), as "mod_alias"; "core" for httpd's core. */
export function httpdModuleWith(directive: string): string | undefined {
  return moduleByDirective.get(directive.toLowerCase());
}
