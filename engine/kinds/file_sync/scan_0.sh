blank=' 	'
cr=''
