where=there
pip_lacking pip_here
if [ -z "$lacking" ]; then fact changed no; else pip_install pip_here; fi
