import { Html } from './html.ts'

/** The flow as a drawing; its colours are the page's. */
export const flow: Html = new Html(`<svg viewBox="0 0 720 330" role="img" aria-labelledby="flow-title flow-text">
<title id="flow-title">A program gets a token and calls an API</title>
<desc id="flow-text">First: your program sends its client_id and client_secret to the token endpoint. Second: it gets a signed token that lives for a while. Third: it calls the API with the token, as often as it likes. Fourth: the API checks the token by itself, with keys that it has fetched before.</desc>
<defs><marker id="tip" markerWidth="9" markerHeight="9" refX="8" refY="4.5" orient="auto" markerUnits="userSpaceOnUse"><path d="M0 0 9 4.5 0 9z"/></marker></defs>
<g class="box"><rect x="10" y="110" width="190" height="110" rx="10"/><rect x="490" y="10" width="220" height="110" rx="10"/><rect x="490" y="210" width="220" height="110" rx="10"/></g>
<g class="name"><text x="30" y="150">Your program</text><text x="510" y="50">This server</text><text x="510" y="250">The API</text></g>
<g class="note"><text x="30" y="176">secret in its</text><text x="30" y="196">environment</text><text x="510" y="76">decides scope by scope,</text><text x="510" y="96">signs</text><text x="510" y="276">checks the token</text><text x="510" y="296">by itself</text></g>
<g class="arrow"><path d="M200 130 C300 60 380 45 484 45"/><path d="M490 92 C380 95 300 120 206 156"/><path d="M200 192 C300 250 380 265 484 265"/></g>
<g class="step"><text x="226" y="58">1  POST client_id, client_secret</text><text x="300" y="136">2  a token</text><text x="232" y="286">3  Authorization: Bearer …</text></g>
</svg>`)
