import { curl } from './curl.ts'
import { go } from './go.ts'
import { java } from './java.ts'
import { node } from './node.ts'
import { nodeCertificate } from './node-certificate.ts'
import { python } from './python.ts'
import { pythonCertificate } from './python-certificate.ts'
import { rust } from './rust.ts'
import type { Sample } from './sample.ts'

/** In the order of the page. */
export const samples: readonly Sample[] = [curl, node, python, go, java, rust]

/** The same with a client certificate instead of a secret. */
export const certificateSamples: readonly Sample[] = [nodeCertificate, pythonCertificate]
