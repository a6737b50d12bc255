#!/usr/bin/node
// needs: node
const fs = require('fs'), cp = require('child_process'), os = require('os'), path = require('path'), crypto = require('crypto'), zlib = require('zlib'), net = require('net');
console.log([1, 2, 3].map(x => x * 2), { a: 1 }, process.argv.length, process.platform);
fs.writeFileSync('f', 'hello'); fs.appendFileSync('f', ' world'); console.log(fs.readFileSync('f', 'utf8'), fs.statSync('f').size, fs.existsSync('g')); fs.mkdirSync('d/e', { recursive: true }); fs.symlinkSync('f', 'l'); console.log(fs.readdirSync('.').sort(), fs.readlinkSync('l')); fs.renameSync('f', 'g'); try { fs.readFileSync('f') } catch (e) { console.log(e.code) }
console.log(crypto.createHash('sha256').update('x').digest('hex'), zlib.gunzipSync(zlib.gzipSync('zip')).toString()); console.log(cp.execSync('echo sub; exit 0').toString().trim()); const r = cp.spawnSync('sh', ['-c', 'cat; echo e >&2; exit 3'], { input: 'in' }); console.log(r.status, r.stdout + '', r.stderr + '');
const s = net.createServer(c => { c.on('data', d => c.end('echo ' + d)) }).listen('sock', () => { const c = net.connect('sock'); c.write('ping'); c.on('data', d => console.log(d + '')); c.on('close', () => { s.close(); next() }) });
function next() {
	const c = cp.fork(__filename.endsWith('x') ? '' : process.env.CORPUS + '/data/node_child.js'); c.on('message', m => { console.log('msg', m); c.send('bye') }); c.on('exit', (code, sig) => { console.log('exit', code, sig); more() });
}
async function more() {
	await Promise.all([1, 2, 3].map(i => new Promise(r => setTimeout(r, i * 10)))); const rs = fs.createWriteStream('big'); for (let i = 0; i < 1000; i++) rs.write('x'.repeat(1000)); await new Promise(r => rs.end(r)); console.log((await fs.promises.stat('big')).size); let n = 0; for await (const ch of fs.createReadStream('big')) n += ch.length; console.log(n);
	const { Worker } = require('worker_threads'); const sab = new SharedArrayBuffer(4); await Promise.all([1, 2, 3].map(() => new Promise(r => new Worker('const {workerData}=require("worker_threads");for(let i=0;i<1000;i++)Atomics.add(new Int32Array(workerData),0,1)', { eval: true, workerData: sab }).on('exit', r)))); console.log(new Int32Array(sab)[0]); process.on('SIGUSR2', () => { console.log('usr2'); process.exitCode = 9; clearInterval(t) }); const t = setInterval(() => 0, 1000); process.kill(process.pid, 'SIGUSR2'); process.on('exit', c => console.log('exiting', c));
}
