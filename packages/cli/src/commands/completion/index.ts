import { Argument, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { verb } from '../../verb.ts'
import { bashScript } from './bash.ts'
import { commandTree } from './command-tree.ts'
import { fishScript } from './fish.ts'
import { powershellScript } from './powershell.ts'
import { zshScript } from './zsh.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript, powershell: powershellScript }

/** `completion`: a script of its own, made from the program as it is; pressing tab starts no process of ours. */
export function completionCommand(wholeProgram: () => Promise<Command>): Command {
  const command = verb({
    usage: 'completion',
    summary: 'print a script that completes command lines',
    examples: [
      'source <(latchkey completion bash)',
      'latchkey completion zsh > "${fpath[1]}/_latchkey"',
      'latchkey completion fish > ~/.config/fish/completions/latchkey.fish',
      'latchkey completion powershell >> $PROFILE',
    ],
    notes: 'It knows the nouns, verbs and options of this version: print it again after an update.',
    offline: true,
    async run({ args: [shell = ''], print }) {
      if (!isShell(shell)) throw misuse('there is no such shell', 'name one of bash, zsh, fish, powershell')
      const script = scripts[shell](commandTree(await wholeProgram()))
      print({ shell, script }, () => script)
    },
  })
  return command.addArgument(new Argument('<SHELL>', 'for which shell').choices(Object.keys(scripts)))
}

function isShell(name: string): name is keyof typeof scripts {
  return Object.hasOwn(scripts, name)
}
