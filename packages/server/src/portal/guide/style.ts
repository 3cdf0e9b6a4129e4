/** The guide's only style sheet. Every colour of text has a contrast of 4.5 to 1 at least on what it stands on. */
export const style = `
:root{color-scheme:light dark;--ground:#fff;--soft:#f5f7f8;--line:#d9dfe3;--text:#1b242b;--quiet:#4b5660;--accent:#0b6b55}
@media(prefers-color-scheme:dark){:root{--ground:#12181d;--soft:#1a2228;--line:#37424b;--text:#e8edf0;--quiet:#b3bfc8;--accent:#5fd3b3}}
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.65 system-ui,-apple-system,"Segoe UI",sans-serif}
.skip{position:absolute;left:-100vw}.skip:focus{left:1rem;top:1rem;background:var(--ground);padding:.5rem 1rem}
header,main,footer{width:min(50rem,100%);margin:0 auto;padding:0 1rem}
header{padding-top:clamp(1.5rem,6vw,4rem)}
h1{font-size:clamp(1.7rem,6vw,2.6rem);line-height:1.15;letter-spacing:-.025em;margin:0 0 .75rem;text-wrap:balance}
h2{font-size:1.45rem;letter-spacing:-.015em;line-height:1.3;margin:3rem 0 .75rem;padding-top:1.25rem;border-top:1px solid var(--line)}
h3{font-size:1.1rem;margin:1.75rem 0 .5rem}
.lead{font-size:1.15rem;color:var(--quiet);max-width:42rem}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
nav ol{columns:2 16rem;padding-left:1.25rem;margin:1.5rem 0}
code,pre{font-family:ui-monospace,"JetBrains Mono",SFMono-Regular,Menlo,monospace;font-size:.875rem}
code{overflow-wrap:anywhere}
pre{background:var(--soft);border:1px solid var(--line);border-radius:10px;padding:.9rem 1rem;overflow-x:auto;line-height:1.5;tab-size:4}
pre code{overflow-wrap:normal}
table{width:100%;border-collapse:collapse;font-size:.95rem}
th,td{text-align:left;vertical-align:top;padding:.55rem .75rem .55rem 0;border-bottom:1px solid var(--line)}
td code{overflow-wrap:break-word}
th{color:var(--quiet);font-weight:600}
.wide{overflow-x:auto}
details{border:1px solid var(--line);border-radius:10px;margin:.6rem 0;padding:0 1rem}
summary{cursor:pointer;padding:.7rem 0;font-weight:600}
aside{border-left:4px solid var(--accent);background:var(--soft);border-radius:0 10px 10px 0;padding:.75rem 1rem;margin:1.25rem 0}
aside p{margin:0}
.quiet,footer{color:var(--quiet)}
footer{padding-top:2rem;padding-bottom:3rem;font-size:.9rem}
svg{width:100%;height:auto;max-width:45rem;font-family:inherit}
.box rect{fill:var(--soft);stroke:var(--line);stroke-width:1.5}
.name text{font-size:18px;font-weight:600;fill:var(--text)}
.note text{font-size:14px;fill:var(--quiet)}
.step text{font-size:14px;fill:var(--accent)}
.arrow path{fill:none;stroke:var(--accent);stroke-width:2;marker-end:url(#tip)}
#tip path{fill:var(--accent)}
.check{list-style:none;padding:0}.check li{padding-left:1.75rem;position:relative;margin:.5rem 0}.check li::before{content:"☐";position:absolute;left:0}
@media print{nav,.skip{display:none}pre{white-space:pre-wrap}details:not([open])>*{display:block}}
`
